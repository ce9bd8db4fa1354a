//! A server for tests that returns prepared responses and records the requests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use jeroboam_client::config::{Credentials, Named, Scope};
use jeroboam_client::{Client, Config};
use serde_json::{Value, json};

use super::Context;
use super::output::{Format, Printer};

/// Prepared responses, by `METHOD /path?query`.
type Answers = BTreeMap<&'static str, (u16, Value)>;

pub(super) struct Fake {
    answers: Answers,
    asked: Mutex<Vec<String>>,
    headers: Mutex<Vec<HeaderMap>>,
}

impl Fake {
    /// All requests except logins, in order.
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// The values of one header in these requests.
    pub(super) fn header(&self, name: &str) -> Vec<Option<String>> {
        let of = |headers: &HeaderMap| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        self.headers.lock().unwrap().iter().map(of).collect()
    }
}

/// An error in the API's form.
pub(super) fn refusal(status: u16, detail: &str) -> (u16, Value) {
    (
        status,
        json!({"errors": [{"request_id": "", "code": "client", "status": status, "title": detail,
        "detail": detail, "links": []}], "error_message": "{}"}),
    )
}

/// Starts one, and creates the context that commands need.
pub(super) async fn start<const N: usize>(answers: [(&'static str, (u16, Value)); N]) -> (Context, Arc<Fake>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let fake = Arc::new(Fake { answers: answers.into(), asked: Mutex::default(), headers: Mutex::default() });
    let app = Router::new().fallback(answer).with_state(Arc::clone(&fake));
    tokio::spawn(async move { axum::serve(listener, app).await });
    let me = || Named::Name { name: "me".to_owned(), domain_id: None, domain_name: "Default".to_owned() };
    let client = Client::new(Config {
        auth_url: base.parse().unwrap(),
        credentials: Credentials::Password { user: me(), password: "right".into() },
        scope: Scope::Project(me()),
        region: None,
        interface: "public".to_owned(),
        endpoint: Some(base.parse().unwrap()),
        ca_file: None,
        insecure: false,
        origin: "a test".to_owned(),
    })
    .unwrap();
    (Context { client, out: Printer { format: Format::Json } }, fake)
}

async fn answer(State(fake): State<Arc<Fake>>, method: Method, uri: Uri, headers: HeaderMap) -> Response {
    if uri.path() == "/v3/auth/tokens" {
        let token = json!({"token": {"project": {"id": "own-id", "name": "own"}}});
        return (StatusCode::CREATED, [("x-subject-token", "t")], Json(token)).into_response();
    }
    assert_eq!(headers["x-auth-token"], "t");
    let asked = format!("{method} {uri}");
    let (status, body) = match fake.answers.get(asked.as_str()) {
        Some(answer) => answer.clone(),
        None => refusal(404, "There is no such thing."),
    };
    fake.asked.lock().unwrap().push(asked);
    fake.headers.lock().unwrap().push(headers);
    (StatusCode::from_u16(status).unwrap(), Json(body)).into_response()
}
