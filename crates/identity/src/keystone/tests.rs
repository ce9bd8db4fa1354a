use axum::body::{Body, to_bytes};
use http::Request;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;

use super::*;
use crate::Settings;

struct Case {
    _folder: TempDir,
    router: Router,
    clouds: serde_norway::Value,
}

fn case() -> Case {
    let folder = tempfile::tempdir().unwrap();
    let embedded = Arc::new(Embedded::open(folder.path(), Settings::default()).unwrap());
    let text = std::fs::read_to_string(folder.path().join("clouds.yaml")).unwrap();
    Case { _folder: folder, router: router(embedded), clouds: serde_norway::from_str(&text).unwrap() }
}

impl Case {
    fn password(&self, cloud: &str) -> String {
        self.clouds["clouds"][cloud]["auth"]["password"].as_str().unwrap().to_owned()
    }

    async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> (u16, HeaderMap, Value) {
        let mut request = Request::builder().method(method).uri(path).header("host", "cloud.example:9511");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let answer = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let (parts, body) = answer.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        (parts.status.as_u16(), parts.headers, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    async fn login(&self, user: &str, password: &str, scope: Option<Value>) -> (u16, HeaderMap, Value) {
        let mut body = json!({"auth": {"identity": {"methods": ["password"], "password": {"user": {
            "name": user, "domain": {"name": "Default"}, "password": password}}}}});
        if let Some(scope) = scope {
            body["auth"]["scope"] = scope;
        }
        self.send("POST", "/identity/v3/auth/tokens", &[], &body).await
    }

    async fn token(&self, cloud: &str, user: &str) -> String {
        let scope = json!({"project": {"name": user, "domain": {"id": "default"}}});
        let (status, headers, body) = self.login(user, &self.password(cloud), Some(scope)).await;
        assert_eq!(status, 201, "{body}");
        headers["x-subject-token"].to_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn the_version_documents_lead_back_to_where_the_client_came_from() {
    let case = case();
    let (status, _, body) = case.send("GET", "/identity", &[], &Value::Null).await;
    assert_eq!(status, 300);
    assert_eq!(body["versions"]["values"][0]["links"][0]["href"], "http://cloud.example:9511/identity/v3/");
    let (status, _, body) = case.send("GET", "/identity/v3", &[], &Value::Null).await;
    assert_eq!((status, body["version"]["status"].as_str()), (200, Some("stable")));
}

#[tokio::test]
async fn a_login_gives_a_token_with_project_roles_and_catalogue() {
    let case = case();
    let scope = json!({"project": {"name": "demo", "domain": {"name": "Default"}}});
    let (status, headers, body) = case.login("demo", &case.password("jeroboam"), Some(scope)).await;
    assert_eq!(status, 201);
    let token = &body["token"];
    assert_eq!(token["project"]["name"], "demo");
    assert_eq!(token["roles"][0]["name"], "member");
    let urls: Vec<(&str, &str)> = token["catalog"]
        .as_array()
        .unwrap()
        .iter()
        .map(|service| (service["type"].as_str().unwrap(), service["endpoints"][0]["url"].as_str().unwrap()))
        .collect();
    assert_eq!(
        urls,
        [
            ("identity", "http://cloud.example:9511/identity"),
            ("container-infra", "http://cloud.example:9511/v1"),
            ("container", "http://cloud.example:9511/v1"),
        ]
    );
    let secret = headers["x-subject-token"].to_str().unwrap();
    let (status, headers, body) = case
        .send(
            "GET",
            "/identity/v3/auth/tokens?nocatalog",
            &[("x-auth-token", secret), ("x-subject-token", secret)],
            &Value::Null,
        )
        .await;
    assert_eq!((status, headers["x-subject-token"].to_str().unwrap()), (200, secret));
    assert!(body["token"]["catalog"].is_null());
}

#[tokio::test]
async fn wrong_logins_are_all_the_same_401() {
    let case = case();
    let right = case.password("jeroboam");
    let mut answers = Vec::new();
    for (user, password, scope) in [
        ("demo", "wrong", None),
        ("nobody", right.as_str(), None),
        ("demo", right.as_str(), Some(json!({"project": {"name": "admin", "domain": {"id": "default"}}}))),
        ("demo", right.as_str(), Some(json!({"project": {"name": "demo", "domain": {"id": "other"}}}))),
        ("demo", right.as_str(), Some(json!({"system": {"all": true}}))),
    ] {
        let (status, _, body) = case.login(user, password, scope).await;
        assert_eq!(status, 401, "{user} {body}");
        answers.push(body);
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(answers[0]["error"]["title"], "Unauthorized");
    let (status, _, body) = case.send("POST", "/identity/v3/auth/tokens", &[], &json!({"auth": "secret"})).await;
    assert_eq!(status, 400);
    assert!(!body.to_string().contains("secret"));
}

#[tokio::test]
async fn clients_of_2015_name_no_domain_and_mean_the_only_one() {
    let case = case();
    let password = case.password("jeroboam");
    // As python-magnumclient 1.1.0 sends it.
    let mut body = json!({"auth": {"identity": {"methods": ["password"],
        "password": {"user": {"name": "demo", "password": password}}}, "scope": {"project": {"name": "demo"}}}});
    let path = "/identity/v3/auth/tokens";
    let (status, _, answer) = case.send("POST", path, &[], &body).await;
    assert_eq!((status, answer["token"]["project"]["name"].as_str()), (201, Some("demo")), "{answer}");
    for (place, domain) in [
        ("/auth/identity/password/user", json!({"id": "other"})),
        ("/auth/identity/password/user", json!({})),
        ("/auth/scope/project", json!({"name": "other"})),
        ("/auth/scope/project", json!({})),
        ("/auth/scope/project", json!("default")),
    ] {
        let mut other = body.clone();
        other.pointer_mut(place).unwrap()["domain"] = domain.clone();
        assert_eq!(case.send("POST", path, &[], &other).await.0, 401, "{place} {domain}");
    }
    body["auth"]["identity"]["password"]["user"] = json!({"password": password});
    assert_eq!(case.send("POST", path, &[], &body).await.0, 400);
}

#[tokio::test]
async fn tokens_are_checked_and_revoked_by_their_owner_or_an_admin() {
    let case = case();
    let demo = case.token("jeroboam", "demo").await;
    let admin = case.token("jeroboam-admin", "admin").await;
    let path = "/identity/v3/auth/tokens";
    for (method, caller, subject, expected) in [
        ("HEAD", &admin, &demo, 200),
        ("GET", &admin, &demo, 200),
        ("GET", &demo, &admin, 404),
        ("DELETE", &demo, &admin, 404),
        ("DELETE", &demo, &demo, 204),
        ("GET", &admin, &demo, 404),
        ("GET", &demo, &demo, 401),
    ] {
        let headers = [("x-auth-token", caller.as_str()), ("x-subject-token", subject.as_str())];
        assert_eq!(case.send(method, path, &headers, &Value::Null).await.0, expected, "{method}");
    }
    let rescope = json!({"auth": {"identity": {"methods": ["token"], "token": {"id": admin}},
        "scope": {"project": {"name": "admin", "domain": {"id": "default"}}}}});
    assert_eq!(case.send("POST", path, &[], &rescope).await.0, 201);
}

#[tokio::test]
async fn people_see_themselves_and_admins_see_all() {
    let case = case();
    let demo = case.token("jeroboam", "demo").await;
    let admin = case.token("jeroboam-admin", "admin").await;
    for (path, demo_sees, admin_sees) in [
        ("/auth/catalog", 200, 200),
        ("/auth/projects", 200, 200),
        ("/auth/domains", 200, 200),
        ("/auth/system", 200, 200),
        ("/projects", 403, 200),
        ("/users", 403, 200),
        ("/domains", 403, 200),
        ("/roles", 403, 200),
        ("/services", 200, 200),
        ("/endpoints", 200, 200),
        ("/regions", 200, 200),
        ("/projects/none", 404, 404),
        ("/users/none", 404, 404),
        ("/nothing", 404, 404),
    ] {
        let path = format!("/identity/v3{path}");
        for (token, expected) in [(demo.as_str(), demo_sees), (admin.as_str(), admin_sees), ("bad", 401)] {
            let (status, _, body) = case.send("GET", &path, &[("x-auth-token", token)], &Value::Null).await;
            let expected = if path.ends_with("/nothing") { 404 } else { expected };
            assert_eq!(status, expected, "{path} {body}");
        }
    }
    let (_, _, body) =
        case.send("GET", "/identity/v3/users?name=demo", &[("x-auth-token", &admin)], &Value::Null).await;
    let users = body["users"].as_array().unwrap();
    assert_eq!(users.len(), 1);
    assert!(users[0].get("password_hash").is_none());
    let path = format!("/identity/v3/users/{}/projects", users[0]["id"].as_str().unwrap());
    let (status, _, body) = case.send("GET", &path, &[("x-auth-token", &demo)], &Value::Null).await;
    assert_eq!((status, body["projects"][0]["name"].as_str()), (200, Some("demo")));
}
