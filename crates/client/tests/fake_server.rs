//! The client against a small server that misbehaves on request.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::convert::Infallible;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures::StreamExt;
use jeroboam_client::config::{Credentials, Named, Scope};
use jeroboam_client::{Client, Config, Error};
use jeroboam_types::operation::OperationStatus;
use serde_json::{Value, json};
use uuid::Uuid;

#[derive(Default)]
struct Fake {
    /// Number of logins; only the token with this number is valid.
    logins: AtomicU32,
    /// How often the event stream was opened.
    streams: AtomicU32,
    /// Method and `Idempotency-Key` header of each call that can have one.
    keys: Mutex<Vec<(String, Option<String>)>>,
    base: std::sync::OnceLock<String>,
}

type Shared = State<Arc<Fake>>;

fn user() -> Named {
    Named::Name { name: "demo".to_owned(), domain_id: None, domain_name: "Default".to_owned() }
}

async fn start() -> (Client, Arc<Fake>) {
    let fake = Arc::new(Fake::default());
    let app = Router::new()
        .route("/identity/v3/auth/tokens", post(login))
        .route("/v1/clusters/detail", get(clusters))
        .route("/v1/clusters", post(accept))
        .route("/v1/clusters/{ident}", get(cluster).delete(accept))
        .route("/v1/clusters/{ident}/actions/retry", post(accept))
        .route("/identity/v3/projects", get(projects))
        .route("/identity/v3/projects/{id}", get(project))
        .route("/v1/operations/{uuid}/events", get(events))
        .with_state(Arc::clone(&fake));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    fake.base.set(base.clone()).unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    (client(&base, "right"), fake)
}

fn client(base: &str, password: &str) -> Client {
    Client::new(Config {
        auth_url: format!("{base}/identity").parse().unwrap(),
        credentials: Credentials::Password { user: user(), password: password.into() },
        scope: Scope::Project(user()),
        region: None,
        interface: "public".to_owned(),
        endpoint: None,
        ca_file: None,
        insecure: false,
        origin: "a test".to_owned(),
    })
    .unwrap()
}

async fn login(State(fake): Shared, Json(body): Json<Value>) -> Response {
    let user = &body["auth"]["identity"]["password"]["user"];
    assert_eq!(user["domain"]["name"], "Default");
    assert_eq!(body["auth"]["scope"]["project"]["name"], "demo");
    if user["password"] != "right" {
        let error = json!({"error": {"code": 401, "message": "no such user", "title": "Unauthorized"}});
        return (StatusCode::UNAUTHORIZED, Json(error)).into_response();
    }
    let number = fake.logins.fetch_add(1, Ordering::SeqCst) + 1;
    let url = fake.base.get().unwrap();
    let catalog = json!({"token": {"project": {"id": "demo-id", "name": "demo"}, "catalog": [
        {"type": "compute", "endpoints": [{"interface": "public", "region_id": "R", "url": "http://nowhere"}]},
        {"type": "container-infra", "endpoints": [{"interface": "public", "region_id": "R", "url": url}]},
    ]}});
    (StatusCode::CREATED, [("x-subject-token", number.to_string())], Json(catalog)).into_response()
}

async fn clusters(Query(query): Query<std::collections::BTreeMap<String, String>>) -> Json<Value> {
    let item = |number: u32| json!({"uuid": format!("u{number}"), "status": "CREATE_COMPLETE"});
    Json(match query.get("marker").map(String::as_str) {
        None => json!({"clusters": [item(1), item(2)], "next": "somewhere"}),
        Some("u2") => json!({"clusters": [item(3)], "next": "somewhere"}),
        Some("u3") => json!({"clusters": [], "next": "forever"}),
        Some(other) => panic!("unexpected marker {other}"),
    })
}

async fn cluster(State(fake): Shared, Path(ident): Path<String>, headers: HeaderMap) -> Response {
    assert_eq!(headers["openstack-api-version"], "container-infra latest");
    match ident.as_str() {
        "expired" if headers["x-auth-token"] == "1" => StatusCode::UNAUTHORIZED.into_response(),
        "expired" => Json(json!({"uuid": "u", "status": "CREATE_COMPLETE"})).into_response(),
        "never" => StatusCode::UNAUTHORIZED.into_response(),
        "a b/c?d" => Json(json!({"uuid": "odd", "status": "CREATE_COMPLETE"})).into_response(),
        "text" => "this is no JSON".into_response(),
        _ => {
            assert!(fake.logins.load(Ordering::SeqCst) > 0);
            let body = json!({"errors": [{"request_id": "", "code": "client", "status": 404, "title": "t",
                "detail": "Cluster nope could not be found.", "links": []}], "error_message": "{}"});
            (StatusCode::NOT_FOUND, [("x-openstack-request-id", "req-9")], Json(body)).into_response()
        }
    }
}

/// Accepts a write, and records its key.
async fn accept(State(fake): Shared, method: Method, headers: HeaderMap) -> Response {
    let key = headers.get("idempotency-key").map(|key| key.to_str().unwrap().to_owned());
    fake.keys.lock().unwrap().push((method.to_string(), key));
    (StatusCode::ACCEPTED, Json(json!({"uuid": "u"}))).into_response()
}

/// There is one project `other`, there are two named `twin`, and one that is visible only by its id.
async fn projects(Query(query): Query<std::collections::BTreeMap<String, String>>, headers: HeaderMap) -> Response {
    assert!(headers.contains_key("x-auth-token"));
    let named = |ids: &[&str]| ids.iter().map(|id| json!({"id": id, "name": query["name"]})).collect::<Vec<_>>();
    match query["name"].as_str() {
        "other" => Json(json!({"projects": named(&["other-id"])})).into_response(),
        "twin" => Json(json!({"projects": named(&["one", "two"])})).into_response(),
        "secret" => StatusCode::FORBIDDEN.into_response(),
        _ => Json(json!({"projects": []})).into_response(),
    }
}

async fn project(Path(id): Path<String>) -> Response {
    match id.as_str() {
        "other-id" => Json(json!({"project": {"id": id, "name": "other"}})).into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

fn operation(status: &str) -> Event {
    Event::default().event("operation").data(
        json!({"uuid": Uuid::nil(), "kind": "create", "status": status, "cluster_uuid": Uuid::nil(),
            "cluster_name": "demo", "project_id": "p", "user_id": "u", "request_id": "r",
            "created_at": "2026-01-01T00:00:00Z", "started_at": null, "finished_at": null, "deadline_at": null})
        .to_string(),
    )
}

/// Breaks after one event the first time, and continues the second time.
async fn events(State(fake): Shared) -> Sse<impl futures::Stream<Item = Result<Event, Infallible>>> {
    let events = match fake.streams.fetch_add(1, Ordering::SeqCst) {
        0 => vec![operation("queued"), Event::default().comment("still here")],
        _ => vec![operation("running"), Event::default().event("later").data("x"), operation("succeeded")],
    };
    Sse::new(futures::stream::iter(events.into_iter().map(Ok)))
}

#[tokio::test]
async fn one_login_serves_many_calls_and_a_refused_token_is_renewed_once() {
    let (client, fake) = start().await;
    let odd = client.cluster("a b/c?d").await.unwrap();
    assert_eq!(odd.uuid, "odd", "names reach the server as they are");
    client.clone().cluster("a b/c?d").await.unwrap();
    assert_eq!(fake.logins.load(Ordering::SeqCst), 1);
    assert_eq!(client.cluster("expired").await.unwrap().uuid, "u");
    assert_eq!(fake.logins.load(Ordering::SeqCst), 2);
    assert_eq!(client.cluster("never").await.unwrap_err().status(), Some(401));
    assert_eq!(fake.logins.load(Ordering::SeqCst), 3, "once, not for ever");
}

#[tokio::test]
async fn lists_are_read_to_their_end_and_no_further() {
    let (client, _) = start().await;
    let clusters = client.clusters().await.unwrap();
    assert_eq!(clusters.iter().map(|cluster| cluster.uuid.as_str()).collect::<Vec<_>>(), ["u1", "u2", "u3"]);
}

#[tokio::test]
async fn errors_carry_status_message_request_id_and_what_to_do() {
    let (client, fake) = start().await;
    let error = client.cluster("nope").await.unwrap_err();
    assert!(error.is_not_found());
    assert_eq!(error.to_string(), "Cluster nope could not be found.");
    assert_eq!(error.request_id(), Some("req-9"));
    assert!(error.action().unwrap().contains("name or id"));

    let error = client.cluster("text").await.unwrap_err();
    assert!(matches!(&error, Error::Protocol { .. }), "{error:?}");

    let wrong = self::client(fake.base.get().unwrap(), "wrong").clusters().await.unwrap_err();
    assert!(matches!(&wrong, Error::Login { status: 401, message, .. } if message == "no such user"), "{wrong:?}");
    assert!(wrong.action().unwrap().contains("a test"), "it says where the password comes from");

    let nobody = self::client("http://127.0.0.1:1", "right").clusters().await.unwrap_err();
    assert!(matches!(&nobody, Error::Unreachable { url, .. } if url == "http://127.0.0.1:1"), "{nobody:?}");
    assert!(nobody.is_passing() && nobody.action().unwrap().contains("jeroboam up"));
}

#[tokio::test]
async fn a_watcher_survives_a_broken_stream_and_ends_with_the_operation() {
    let (client, fake) = start().await;
    let mut seen = Vec::new();
    let mut states = pin!(client.watch_operation(Uuid::nil()));
    while let Some(state) = states.next().await {
        seen.push(state.unwrap().status);
    }
    assert_eq!(seen, [OperationStatus::Queued, OperationStatus::Running, OperationStatus::Succeeded]);
    assert_eq!(fake.streams.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn an_idempotency_key_goes_with_every_post_and_with_nothing_else() {
    let (client, fake) = start().await;
    let body = jeroboam_types::v1::ClusterCreate::default();
    client.create_cluster(&body).await.unwrap();
    let keyed = client.clone().with_idempotency_key("job-7").unwrap();
    keyed.create_cluster(&body).await.unwrap();
    keyed.retry_cluster("u", false).await.unwrap();
    keyed.delete_cluster("u").await.unwrap();
    client.create_cluster(&body).await.unwrap();
    let keys = fake.keys.lock().unwrap().clone();
    let sent: Vec<(&str, Option<&str>)> = keys.iter().map(|(method, key)| (method.as_str(), key.as_deref())).collect();
    let expected = [("POST", None), ("POST", Some("job-7")), ("POST", Some("job-7")), ("DELETE", None), ("POST", None)];
    assert_eq!(sent, expected);
    assert_eq!(fake.logins.load(Ordering::SeqCst), 1, "they share the login");
}

#[tokio::test]
async fn a_key_that_is_no_header_is_refused_before_anything_is_sent() {
    let (client, fake) = start().await;
    for key in ["a\nb", "\u{0}"] {
        let error = client.clone().with_idempotency_key(key).unwrap_err();
        assert!(matches!(&error, Error::Config { .. }) && error.action().is_some(), "{error:?}");
    }
    assert_eq!(fake.logins.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn the_project_of_the_login_is_known_and_others_are_found_by_name_or_id() {
    let (client, fake) = start().await;
    assert_eq!(client.project().await.unwrap(), "demo-id");
    for (given, found) in [
        ("demo", Some("demo-id")),
        ("demo-id", Some("demo-id")),
        ("other", Some("other-id")),
        ("other-id", Some("other-id")),
        ("nobody", None),
        // Without permission to list projects, only an id works.
        ("secret", Some("secret")),
    ] {
        assert_eq!(client.project_id(given).await.unwrap().as_deref(), found, "{given}");
    }
    let twins = client.project_id("twin").await.unwrap_err();
    assert!(twins.action().unwrap().contains("one, two"), "{twins:?}");
    assert_eq!(fake.logins.load(Ordering::SeqCst), 1);
}
