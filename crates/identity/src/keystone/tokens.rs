//! `/v3/auth/tokens`: issues, validates and revokes tokens.

use std::collections::HashMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use jiff::Timestamp;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::Error;
use super::{Shared, base, catalog};
use crate::Embedded;
use crate::embedded::{Scope, Session, User, role_id};

/// Header with the caller's token.
const AUTH_TOKEN: HeaderName = HeaderName::from_static("x-auth-token");
/// Header with the token to validate or revoke.
const SUBJECT_TOKEN: HeaderName = HeaderName::from_static("x-subject-token");

/// Id of the only domain.
pub(super) const DOMAIN_ID: &str = "default";
/// Name of the only domain.
pub(super) const DOMAIN_NAME: &str = "Default";

#[derive(Deserialize)]
struct Request {
    auth: AuthRequest,
}

#[derive(Deserialize)]
struct AuthRequest {
    identity: IdentityRequest,
    #[serde(default)]
    scope: Option<Value>,
}

#[derive(Deserialize)]
struct IdentityRequest {
    methods: Vec<String>,
    #[serde(default)]
    password: Option<PasswordRequest>,
    #[serde(default)]
    token: Option<TokenRequest>,
}

#[derive(Deserialize)]
struct PasswordRequest {
    user: UserRequest,
}

#[derive(Deserialize)]
struct UserRequest {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    domain: Option<DomainRequest>,
    password: SecretString,
}

#[derive(Deserialize)]
struct DomainRequest {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    name: Option<String>,
}

#[derive(Deserialize)]
struct TokenRequest {
    id: String,
}

impl DomainRequest {
    /// Whether it names the only domain.
    fn exists(&self) -> bool {
        match (&self.id, &self.name) {
            (Some(id), _) => id == DOMAIN_ID,
            (None, Some(name)) => name.eq_ignore_ascii_case(DOMAIN_NAME),
            (None, None) => false,
        }
    }
}

/// `POST /v3/auth/tokens`.
pub(super) async fn create(
    State(shared): State<Shared>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Error> {
    // The parser's message is not returned: it can quote the password.
    let request: Request = serde_json::from_slice(&body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Error::bad_request(format!("The body is not a login request (line {line}, column {column})."))
    })?;
    let scope = read_scope(request.auth.scope.as_ref());
    let identity = request.auth.identity;
    let method = |name: &str| identity.methods.iter().any(|method| method == name);
    let (token, session) = if method("password") {
        let asked = identity.password.ok_or_else(|| Error::bad_request("auth.identity.password is missing."))?.user;
        let user = find_user(&shared, &asked)?;
        shared.login(user, asked.password, &scope).await?
    } else if method("token") {
        let asked = identity.token.ok_or_else(|| Error::bad_request("auth.identity.token is missing."))?;
        shared.rescope(&asked.id, &scope)?
    } else {
        return Err(Error::unauthorized());
    };
    let catalog = (!query.contains_key("nocatalog")).then(|| base(&shared, &headers));
    respond(StatusCode::CREATED, &token, &document(&session, catalog.as_deref()))
}

/// Whether the domain exists. None given means the only one: Keystone v3 requires a domain, but clients of 2015 send
/// none (contract workloads-2015 section 3.3).
fn in_our_domain(domain: Option<&DomainRequest>) -> bool {
    domain.is_none_or(DomainRequest::exists)
}

fn find_user<'a>(embedded: &'a Embedded, asked: &UserRequest) -> Result<Option<&'a User>, Error> {
    match (&asked.id, &asked.name) {
        (Some(id), _) => Ok(embedded.directory().user(id)),
        (None, Some(name)) => {
            Ok(embedded.directory().user_named(name).filter(|_| in_our_domain(asked.domain.as_ref())))
        }
        (None, None) => Err(Error::bad_request("auth.identity.password.user needs an id or a name.")),
    }
}

fn read_scope(scope: Option<&Value>) -> Scope {
    let Some(scope) = scope else { return Scope::Default };
    if scope.as_str() == Some("unscoped") || scope.get("unscoped").is_some() {
        return Scope::Unscoped;
    }
    let Some(project) = scope.get("project") else { return Scope::Unknown };
    if let Some(id) = project.get("id").and_then(Value::as_str) {
        return Scope::ProjectId(id.to_owned());
    }
    let is_ours = match project.get("domain") {
        None | Some(Value::Null) => in_our_domain(None),
        Some(domain) => DomainRequest::deserialize(domain).is_ok_and(|domain| domain.exists()),
    };
    match project.get("name").and_then(Value::as_str) {
        Some(name) if is_ours => Scope::ProjectName(name.to_owned()),
        _ => Scope::Unknown,
    }
}

/// `GET /v3/auth/tokens`.
pub(super) async fn validate(
    State(shared): State<Shared>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let (token, session) = subject(&shared, &headers)?;
    let catalog = (!query.contains_key("nocatalog")).then(|| base(&shared, &headers));
    respond(StatusCode::OK, token, &document(&session, catalog.as_deref()))
}

/// `HEAD /v3/auth/tokens`.
pub(super) async fn check(State(shared): State<Shared>, headers: HeaderMap) -> Result<StatusCode, Error> {
    subject(&shared, &headers).map(|_| StatusCode::OK)
}

/// `DELETE /v3/auth/tokens`.
pub(super) async fn revoke(State(shared): State<Shared>, headers: HeaderMap) -> Result<StatusCode, Error> {
    let claims = subject(&shared, &headers)?.1.claims;
    let revoked = tokio::task::spawn_blocking(move || shared.revoke(&claims)).await;
    match revoked {
        Ok(Ok(())) => Ok(StatusCode::NO_CONTENT),
        Ok(Err(error)) => {
            tracing::error!(%error, "revoking a token");
            Err(Error::new(StatusCode::INTERNAL_SERVER_ERROR, "Writing the list of revoked tokens failed."))
        }
        Err(_) => Err(Error::new(StatusCode::INTERNAL_SERVER_ERROR, "Revoking the token was interrupted.")),
    }
}

/// The session of the caller.
pub(super) fn caller<'a>(shared: &'a Shared, headers: &HeaderMap) -> Result<Session<'a>, Error> {
    let token = headers.get(AUTH_TOKEN).and_then(|token| token.to_str().ok()).ok_or_else(Error::unauthorized)?;
    shared.session(token).ok_or_else(Error::unauthorized)
}

/// The token in X-Subject-Token: the caller's own, or any when the caller is admin.
fn subject<'h, 'a>(shared: &'a Shared, headers: &'h HeaderMap) -> Result<(&'h str, Session<'a>), Error> {
    let caller = caller(shared, headers)?;
    let token = headers
        .get(SUBJECT_TOKEN)
        .and_then(|token| token.to_str().ok())
        .ok_or_else(|| Error::bad_request("The header X-Subject-Token is missing."))?;
    // Without the value of the header: it may be a password that was pasted by mistake.
    let unknown = || Error::not_found("token", "the one of the header X-Subject-Token");
    let session = shared.session(token).ok_or_else(unknown)?;
    let admin = caller.roles.iter().any(|role| role == "admin");
    if admin || session.user.id == caller.user.id { Ok((token, session)) } else { Err(unknown()) }
}

fn respond(status: StatusCode, token: &str, body: &Value) -> Result<Response, Error> {
    let mut value = HeaderValue::from_str(token).map_err(|_| Error::unauthorized())?;
    value.set_sensitive(true);
    let headers = [
        (SUBJECT_TOKEN, value),
        (http::header::VARY, HeaderValue::from_static("X-Auth-Token")),
        (http::header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((status, headers, Json(body)).into_response())
}

/// The response body for a token. With the catalogue when the token has a project and `base` is given.
fn document(session: &Session<'_>, base: Option<&str>) -> Value {
    let domain = json!({"id": DOMAIN_ID, "name": DOMAIN_NAME});
    let mut token = json!({
        "methods": session.claims.methods,
        "user": {
            "id": session.user.id,
            "name": session.user.name,
            "domain": domain,
            "password_expires_at": null,
        },
        "audit_ids": session.claims.audit,
        "issued_at": time(session.claims.issued_at()),
        "expires_at": time(session.claims.expires_at()),
    });
    if let Some(project) = session.project {
        token["project"] = json!({"id": project.id, "name": project.name, "domain": domain});
        token["is_domain"] = false.into();
        token["roles"] =
            session.roles.iter().map(|role| json!({"id": role_id(role), "name": role})).collect::<Vec<_>>().into();
        if let Some(base) = base {
            token["catalog"] = catalog::build(base);
        }
    }
    json!({"token": token})
}

/// A time in Keystone's format.
fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.000000Z").to_string()
}
