//! Manifests by URL, from a real HTTP server on loopback.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::SocketAddr;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::Redirect;
use axum::routing::get;
use jeroboam_engine::WorkloadError;
use jeroboam_engine::manifest::{MAX_BYTES, ManifestFetcher};

async fn server() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = Router::new()
        .route("/good", get(|| async { "kind: Pod" }))
        .route("/full", get(|| async { "x".repeat(MAX_BYTES) }))
        .route("/long", get(|| async { "x".repeat(MAX_BYTES + 1) }))
        .route("/endless", get(|| async { axum::body::Body::from_stream(endless()) }))
        .route("/binary", get(|| async { vec![0xff_u8, 0xfe] }))
        .route("/missing", get(|| async { (StatusCode::NOT_FOUND, "internal detail") }))
        .route("/once", get(|| async { Redirect::temporary("/good") }))
        .route("/loop", get(|| async { Redirect::temporary("/loop") }))
        .route("/inside", get(|| async { Redirect::temporary("http://169.254.169.254/latest/meta-data") }))
        .route("/file", get(|| async { Redirect::temporary("file:///etc/passwd") }))
        .route("/nowhere", get(|| async { StatusCode::FOUND }))
        .route("/elsewhere", get(|| async { (StatusCode::FOUND, [(header::LOCATION, "http://127.0.0.2:1/")]) }));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    address
}

fn endless() -> impl futures::Stream<Item = Result<Vec<u8>, std::io::Error>> {
    futures::stream::repeat_with(|| Ok(vec![b'x'; 4096]))
}

fn allowing(net: &str) -> ManifestFetcher {
    ManifestFetcher { allow_internal: vec![net.parse().unwrap()] }
}

async fn refused(fetcher: &ManifestFetcher, url: &str) -> String {
    match fetcher.fetch(url).await {
        Err(WorkloadError::Invalid { field, message }) if field == "manifest_url" => message,
        other => panic!("{url}: {other:?}"),
    }
}

#[tokio::test]
async fn a_manifest_is_fetched_from_where_the_operator_allows_it() {
    let at = server().await;
    let fetcher = allowing("127.0.0.1/32");
    assert_eq!(fetcher.fetch(&format!("http://{at}/good")).await.unwrap(), "kind: Pod");
    assert_eq!(fetcher.fetch(&format!("http://{at}/once")).await.unwrap(), "kind: Pod");
    assert_eq!(fetcher.fetch(&format!("http://{at}/full")).await.unwrap().len(), MAX_BYTES);
}

#[tokio::test]
async fn internal_addresses_are_refused_however_they_are_written() {
    let port = server().await.port();
    let fetcher = ManifestFetcher::default();
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "localhost",
        "0.0.0.0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "10.0.0.1",
        "172.17.0.1",
        "192.168.0.1",
        "100.64.0.1",
    ] {
        let message = refused(&fetcher, &format!("http://{host}:{port}/good")).await;
        assert!(message.starts_with("points at an internal address ("), "{host}: {message}");
    }
}

#[tokio::test]
async fn a_redirect_is_checked_like_the_url_itself() {
    let at = server().await;
    let fetcher = allowing("127.0.0.1/32");
    for path in ["inside", "elsewhere"] {
        let message = refused(&fetcher, &format!("http://{at}/{path}")).await;
        assert!(message.starts_with("points at an internal address ("), "{path}: {message}");
    }
    assert_eq!(refused(&fetcher, &format!("http://{at}/file")).await, "must begin with http:// or https://, not file:");
    assert_eq!(refused(&fetcher, &format!("http://{at}/loop")).await, "redirects more than 3 times");
    assert!(refused(&fetcher, &format!("http://{at}/nowhere")).await.contains("without a Location"));
}

#[tokio::test]
async fn what_is_no_manifest_is_refused() {
    let at = server().await;
    let fetcher = allowing("127.0.0.1/32");
    assert!(refused(&fetcher, "file:///etc/passwd").await.starts_with("must begin with http"));
    assert!(refused(&fetcher, "gopher://example.org/").await.starts_with("must begin with http"));
    assert!(refused(&fetcher, "pod.yaml").await.starts_with("is not a URL"));
    assert!(refused(&fetcher, "http://user:secret@example.org/").await.starts_with("must not carry a user name"));
    assert!(refused(&fetcher, "http://name.invalid/").await.starts_with("the name name.invalid cannot be resolved"));
    for path in ["long", "endless"] {
        let message = refused(&fetcher, &format!("http://{at}/{path}")).await;
        assert_eq!(message, "is more than the 524288 bytes that a manifest may have", "{path}");
    }
    assert_eq!(refused(&fetcher, &format!("http://{at}/binary")).await, "is not UTF-8 text");
    // The body of an error is not shown: that would let users read internal pages through the server.
    assert_eq!(refused(&fetcher, &format!("http://{at}/missing")).await, "the server answered 404 Not Found");
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert!(refused(&fetcher, &format!("http://{unused}/")).await.starts_with("cannot be fetched: "));
}
