//! Abusive requests over a real socket: refused cheaply, in the usual error format, and without effect on other
//! clients. Slow clients are in `serving`.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Case;
use super::serving::start;

/// A response as received.
struct Raw {
    status: u16,
    headers: String,
    body: Value,
}

impl Raw {
    /// Checks that it is an error in the usual format; returns its reason.
    #[track_caller]
    fn reason(&self, status: u16) -> &str {
        assert_eq!(self.status, status, "{} {}", self.headers, self.body);
        let id = self.headers.split("x-openstack-request-id: ").nth(1).unwrap().split("\r\n").next().unwrap();
        let error = &self.body["errors"][0];
        assert!(id.starts_with("req-") && error["request_id"] == id, "{} {}", self.headers, self.body);
        assert_eq!(error["status"], status);
        assert!(error["title"].as_str().is_some_and(|title| !title.is_empty()), "{}", self.body);
        let old: Value = serde_json::from_str(self.body["error_message"].as_str().unwrap()).unwrap();
        assert_eq!(old["faultstring"], error["detail"]);
        error["reason"].as_str().unwrap()
    }
}

/// A request of `member` with further header lines and a body.
fn request(method: &str, path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: member\r\n{headers}");
    if !headers.contains("Transfer-Encoding") {
        write!(text, "Content-Length: {}\r\n", body.len()).unwrap();
    }
    [text.as_bytes(), b"\r\n", body].concat()
}

/// Sends a request on a connection and reads the response.
async fn send(stream: &mut TcpStream, request: &[u8]) -> Raw {
    // The server may respond and close before it has read all.
    let _ = stream.write_all(request).await;
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(b"\r\n\r\n") {
        assert_eq!(stream.read(&mut byte).await.unwrap(), 1, "closed: {}", String::from_utf8_lossy(&text));
        text.push(byte[0]);
    }
    let headers = String::from_utf8(text).unwrap();
    let length = headers.split("content-length: ").nth(1).map_or("0", |rest| rest.split("\r\n").next().unwrap());
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).await.unwrap();
    let status = headers[9..12].parse().unwrap();
    Raw { status, headers, body: serde_json::from_slice(&body).unwrap_or_default() }
}

async fn once(address: SocketAddr, request: &[u8]) -> Raw {
    send(&mut TcpStream::connect(address).await.unwrap(), request).await
}

#[tokio::test]
async fn bodies_and_heads_that_are_too_large_are_refused_unread() {
    let case = Case::new().await;
    let (address, ..) = start(&case).await;
    let large = format!(r#"{{"name": "{}"}}"#, "x".repeat(1024 * 1024));
    let answer = once(address, &request("POST", "/v1/clusters", "", large.as_bytes())).await;
    assert_eq!(answer.reason(413), "body_too_large");
    // Refused by the headers alone: nothing of this body is ever sent.
    let head = "POST /v1/clusters HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\nExpect: 100-continue\r\n\r\n";
    assert_eq!(once(address, head.as_bytes()).await.reason(413), "body_too_large");
    // A chunked body does not announce its length.
    let chunk = format!("{:x}\r\n{}\r\n", 64 * 1024, "x".repeat(64 * 1024));
    let chunks = format!("{}0\r\n\r\n", chunk.repeat(17));
    let answer =
        once(address, &request("POST", "/v1/clusters", "Transfer-Encoding: chunked\r\n", chunks.as_bytes())).await;
    assert_eq!(answer.reason(413), "body_too_large");
    let answer = once(address, &request("POST", "/v1/clusters", "Transfer-Encoding: chunked\r\n", b"zz\r\n\r\n")).await;
    assert_eq!(answer.reason(400), "malformed_body");

    let header = format!("X-Long: {}\r\n", "x".repeat(17 * 1024));
    assert_eq!(once(address, &request("GET", "/v1", &header, b"")).await.reason(431), "head_too_large");
    let many = "X-Short: x\r\n".repeat(90) + &format!("X-Long: {}\r\n", "x".repeat(15 * 1024));
    assert_eq!(once(address, &request("GET", "/v1", &many, b"")).await.reason(431), "head_too_large");
    let path = format!("/v1/clusters/{}", "x".repeat(17 * 1024));
    assert_eq!(once(address, &request("GET", &path, "", b"")).await.reason(431), "head_too_large");
    // Beyond the read buffer no request is parsed: a bare status.
    for headers in [format!("X-Long: {}\r\n", "x".repeat(80 * 1024)), "X-Short: x\r\n".repeat(200)] {
        assert_eq!(once(address, &request("GET", "/v1", &headers, b"")).await.status, 431);
    }
    assert_eq!(once(address, &request("GET", "/v1", "X-Long: x\r\n", b"")).await.status, 200);
}

#[tokio::test]
async fn bodies_and_paths_that_mean_nothing_are_refused() {
    let case = Case::new().await;
    let (address, ..) = start(&case).await;
    let post = async |body: &[u8]| once(address, &request("POST", "/v1/clusters", "", body)).await;
    let deep = [b"{\"labels\": ", "[".repeat(200_000).as_bytes()].concat();
    let nested = format!("{{\"labels\": {}1{}}}", "{\"a\":".repeat(500), "}".repeat(500));
    for body in [&b"\xff\xfe{}"[..], b"{\"name\": \"\xc3\x28\"}", b"{\"name\": \"\\ud800\"}", &deep, nested.as_bytes()]
    {
        assert_eq!(post(body).await.reason(400), "malformed_body");
    }
    let twice = post(br#"{"name": "a", "labels": {"k": "1", "k": "2"}}"#).await;
    assert_eq!(twice.reason(400), "malformed_body");
    assert!(twice.body["errors"][0]["detail"].as_str().unwrap().contains("\"k\" is duplicated"), "{}", twice.body);
    for path in ["/v1/clusters/%ff", "/v1/%c3%28", "/%80"] {
        assert_eq!(once(address, &request("GET", path, "", b"")).await.reason(400), "malformed_path");
    }
    // Bytes above ASCII in headers are legal, but ignored.
    for header in ["X-Auth-Token", "OpenStack-API-Version", "Accept", "If-Match", "Idempotency-Key"] {
        let line = [header.as_bytes(), b": \xff\xfe\r\n"].concat();
        let head = [b"GET /v1/clusters HTTP/1.1\r\nHost: x\r\n", &line[..], b"\r\n"].concat();
        let answer = once(address, &head).await;
        assert!(answer.status < 500, "{header}: {} {}", answer.headers, answer.body);
    }
    for path in
        ["/v1/clusters/%01", "/v1/clusters/%F0%9F%90%9B", "/v1/clusters/..%2f..%2fetc", "/v1/clusters/'%20OR%201=1"]
    {
        assert_eq!(once(address, &request("GET", path, "", b"")).await.reason(404), "not_found");
    }
}

#[tokio::test]
async fn ten_thousand_labels_are_refused_quickly() {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    let (address, ..) = start(&case).await;
    let labels: Vec<String> = (0..10_000).map(|number| format!("\"label_{number}\": \"x\"")).collect();
    let body = format!(r#"{{"cluster_template_id": "t", "labels": {{{}}}}}"#, labels.join(", "));
    let began = Instant::now();
    let answer = once(address, &request("POST", "/v1/clusters", "", body.as_bytes())).await;
    assert_eq!(answer.reason(400), "invalid_input");
    // Far more than it takes, far less than a search for the closest name for each of them would take.
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    let operations: Vec<String> = (0..10_000)
        .map(|number| format!(r#"{{"op": "add", "path": "/labels/label_{number}", "value": "x"}}"#))
        .collect();
    let began = Instant::now();
    let body = format!("[{}]", operations.join(", "));
    let answer = once(address, &request("PATCH", "/v1/clustertemplates/t", "", body.as_bytes())).await;
    assert_eq!(answer.reason(400), "invalid_input");
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(once(address, &request("GET", "/v1/clusters", "", b"")).await.body["clusters"], serde_json::json!([]));
}

#[tokio::test]
async fn a_panic_answers_with_500_and_hurts_nobody_else() {
    let case = Case::new().await;
    let (address, ..) = start(&case).await;
    let good = request("GET", "/v1/clusters", "", b"");
    let bad = b"GET /v1/clusters HTTP/1.1\r\nHost: x\r\nX-Auth-Token: panic\r\n\r\n";
    let (mut first, mut second) =
        (TcpStream::connect(address).await.unwrap(), TcpStream::connect(address).await.unwrap());
    assert_eq!(send(&mut second, &good).await.status, 200);
    for _ in 0..3 {
        let answer = send(&mut first, bad).await;
        assert_eq!(answer.reason(500), "internal_error");
        assert!(!answer.body.to_string().contains("secret"), "{}", answer.body);
        // Neither on the same connection, nor on one that was open, nor on a new one.
        assert_eq!(send(&mut first, &good).await.status, 200);
        assert_eq!(send(&mut second, &good).await.status, 200);
        assert_eq!(once(address, &good).await.status, 200);
    }
}
