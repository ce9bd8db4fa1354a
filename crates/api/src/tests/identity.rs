//! The embedded identity and the API together, as a client sees them.

use std::sync::Arc;

use jeroboam_identity::{Embedded, Identity, Settings as IdentitySettings, keystone};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::Case;
use crate::Settings;

async fn case(lifetime: SignedDuration) -> (Case, String) {
    let mut password = String::new();
    let case = Case::with_identity(Settings::default(), |folder| {
        let settings = IdentitySettings { token_lifetime: lifetime, ..IdentitySettings::default() };
        let embedded = Arc::new(Embedded::open(folder, settings).unwrap());
        let clouds = std::fs::read_to_string(folder.join("clouds.yaml")).unwrap();
        // The first password is that of the cloud `jeroboam`.
        password = clouds.lines().find_map(|line| line.trim().strip_prefix("password: ")).unwrap().to_owned();
        let routes = keystone::router(embedded.clone());
        (embedded as Arc<dyn Identity>, Some(routes))
    })
    .await;
    (case, password)
}

async fn login(case: &Case, password: &str) -> (String, Value) {
    let body = json!({"auth": {
        "identity": {"methods": ["password"], "password": {"user": {
            "name": "demo", "domain": {"name": "Default"}, "password": password}}},
        "scope": {"project": {"name": "demo", "domain": {"name": "Default"}}},
    }});
    let answer = case.call("POST", "/identity/v3/auth/tokens").json(&body).send().await.is(201);
    (answer.headers["x-subject-token"].to_str().unwrap().to_owned(), answer.body)
}

#[tokio::test]
async fn a_client_logs_in_finds_the_endpoint_and_lists_clusters() {
    let (case, password) = case(SignedDuration::from_hours(1)).await;
    case.call("GET", "/identity/v3/").send().await.is(200);
    let (token, body) = login(&case, &password).await;
    let url = body["token"]["catalog"][1]["endpoints"][0]["url"].as_str().unwrap();
    let path = url.strip_prefix("http://api.example:9511").unwrap();
    let answer = case.call("GET", &format!("{path}/clusters")).token(&token).latest().send().await.is(200);
    assert_eq!(answer.body, json!({"clusters": []}));
    let subject = case.call("DELETE", "/identity/v3/auth/tokens").token(&token).header("x-subject-token", &token);
    let revoked = subject.send().await.is(204);
    assert!(revoked.headers.contains_key("x-openstack-request-id"));
    case.call("GET", "/v1/clusters").token(&token).send().await.is(401);
}

#[tokio::test]
async fn an_expired_token_opens_nothing() {
    let (case, password) = case(SignedDuration::ZERO).await;
    let (token, _) = login(&case, &password).await;
    let answer = case.call("GET", "/v1/clusters").token(&token).send().await.is(401);
    assert_eq!(answer.headers["www-authenticate"], "Keystone uri=\"http://api.example:9511/identity\"");
}
