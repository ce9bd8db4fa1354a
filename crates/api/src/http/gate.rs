//! Checks before any handler of v1: token, microversion, media types, in that order (contract magnum-v1 section 1.3).

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method, StatusCode, header};
use jeroboam_identity::{Auth, AuthError};

use super::error::Shape;
use super::finish::RequestId;
use super::{ApiError, ApiReason, Caller, Result, availability, body, trail, version};
use crate::AppState;

/// Paths of v1 that need no token.
const OPEN: [&str; 2] = ["/v1", "/v1/openapi.json"];

/// Scheme, host and port for links.
#[derive(Debug, Clone)]
pub(crate) struct Base(pub(crate) String);

/// Answers OPTIONS, on every path and without a token (contract magnum-v1 section 2.0).
pub(crate) async fn options(request: Request, next: Next) -> Response {
    if request.method() == Method::OPTIONS { StatusCode::OK.into_response() } else { next.run(request).await }
}

/// Passes a request to its handler if all checks succeed.
pub(crate) async fn gate(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let base = base(request.headers(), &state.settings.public_url);
    let auth = if OPEN.contains(&request.uri().path()) {
        None
    } else {
        match authenticate(&state, &base, request.headers()).await {
            Ok(auth) => Some(auth),
            Err(error) => return error.into_response(),
        }
    };
    let asked = version::read(request.headers());
    let mut response = match asked.version.clone().and_then(|version| {
        availability::check(request.uri().path(), version)?;
        accepts(&request)?;
        body::check_type(&request)?;
        Ok(version)
    }) {
        Err(error) => error.into_response(),
        Ok(version) => {
            let request_id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
            let extensions = request.extensions_mut();
            if let Some(auth) = auth {
                trail::project(&auth.project_id);
                let policy = state.settings.policy.current();
                let (quotas, limits) = (state.settings.quotas, state.settings.limits);
                extensions.insert(Caller { auth, version, request_id, base: base.clone(), policy, quotas, limits });
            }
            extensions.insert(version);
            extensions.insert(Base(base));
            next.run(request).await
        }
    };
    asked.answer(response.headers_mut());
    response
}

async fn authenticate(state: &AppState, base: &str, headers: &HeaderMap) -> Result<Auth> {
    let refused = |error: &AuthError| {
        let auth_url =
            state.identity.auth_url().unwrap_or_else(|| format!("{base}{}", jeroboam_identity::keystone::PREFIX));
        ApiError {
            shape: Shape::Token(auth_url),
            ..ApiError::new(StatusCode::UNAUTHORIZED, ApiReason::Unauthorized, format!("{error}."))
        }
    };
    let Some(token) = headers.get("x-auth-token").and_then(|token| token.to_str().ok()) else {
        return Err(refused(&AuthError::Invalid));
    };
    state.identity.validate(token).await.map_err(|error| match error {
        AuthError::Invalid => refused(&error),
        AuthError::Unscoped => {
            ApiError::new(StatusCode::FORBIDDEN, ApiReason::TokenWithoutProject, format!("{error}."))
        }
        AuthError::Unavailable(_) => unavailable(&error),
    })
}

/// The identity service does not respond: 503.
pub(crate) fn unavailable(error: &AuthError) -> ApiError {
    tracing::error!(%error, "the identity service does not respond");
    ApiError::new(
        StatusCode::SERVICE_UNAVAILABLE,
        ApiReason::IdentityUnavailable,
        "The identity service does not answer, so the request cannot be checked. Try again in a moment.",
    )
}

/// Scheme, host and port at which the client reached the server.
pub(crate) fn base(headers: &HeaderMap, public_url: &str) -> String {
    let scheme = public_url.split_once("://").map_or("http", |(scheme, _)| scheme);
    let is_host =
        |host: &&str| !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]".contains(&b));
    headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .filter(is_host)
        .map_or_else(|| public_url.to_owned(), |host| format!("{scheme}://{host}"))
}

/// Checks that the client accepts the response's media type.
fn accepts(request: &Request) -> Result<()> {
    let streams = request.uri().path().ends_with("/events");
    let mut ranges = request
        .headers()
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|range| range.split(';').next())
        .map(str::trim)
        .filter(|range| !range.is_empty())
        .peekable();
    let fits = |range: &str| match range.to_ascii_lowercase().as_str() {
        "*/*" | "application/*" | "application/json" => true,
        "text/*" | "text/event-stream" => streams,
        _ => false,
    };
    if ranges.peek().is_none() || ranges.any(fits) {
        return Ok(());
    }
    Err(ApiError::router(
        StatusCode::NOT_ACCEPTABLE,
        ApiReason::NotAcceptable,
        "Responses are application/json. Send 'Accept: application/json'.",
    ))
}
