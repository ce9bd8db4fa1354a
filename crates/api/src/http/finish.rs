//! What every request gets: an id, a timeout, and a body for errors.

use std::any::Any;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use tracing::Instrument;
use uuid::Uuid;

use super::error::{ApiError, Shape};
use super::trail;
use super::{ApiReason, Reason};

/// The header that carries a request's id.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-openstack-request-id");

/// Timeout of a request. Writes only queue work in the database; this is for a database or engine that hangs.
const USUAL_TIME: Duration = Duration::from_secs(60);
/// Timeout of a request that waits for an image to be pulled or a command to finish: the timeout of our own client.
const LONG_TIME: Duration = Duration::from_secs(15 * 60);

/// Id of a request, `req-UUID`.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) String);

/// The outermost middleware.
pub(crate) async fn finish(mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = format!("req-{}", Uuid::new_v4());
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let span = trail::span(&id, &method, &path);
    request.extensions_mut().insert(RequestId(id.clone()));
    let answer = tokio::time::timeout(allowed(&method, &path), next.run(request));
    let response = answer.instrument(span.clone()).await.unwrap_or_else(|_| too_slow().into_response());
    let mut response = render(response, &id);
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    let status = response.status().as_u16();
    span.in_scope(|| tracing::debug!(status, elapsed = ?began.elapsed(), "answered"));
    response
}

fn allowed(method: &Method, path: &str) -> Duration {
    let creates_container = method == Method::POST && path.trim_end_matches('/').ends_with("/containers");
    if creates_container || path.contains("/execute") { LONG_TIME } else { USUAL_TIME }
}

fn too_slow() -> ApiError {
    ApiError::new(
        StatusCode::GATEWAY_TIMEOUT,
        ApiReason::TooSlow,
        "The request timed out in the server. Check whether it took effect, then retry.",
    )
}

/// Renders the body of an error.
fn render(mut response: Response, id: &str) -> Response {
    let Some(error) = response.extensions_mut().remove::<ApiError>().or_else(|| foreign(&response)) else {
        return response;
    };
    let mut rendered = (error.status, Json(error.body_with(id))).into_response();
    for (name, value) in response.headers() {
        if name != header::CONTENT_LENGTH && name != header::CONTENT_TYPE {
            rendered.headers_mut().append(name, value.clone());
        }
    }
    if let Shape::Token(auth_url) = &error.shape
        && let Ok(value) = HeaderValue::from_str(&format!("Keystone uri=\"{auth_url}\""))
    {
        rendered.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    }
    rendered
}

/// The error for a response that a library made: in plain text or without a body.
fn foreign(response: &Response) -> Option<ApiError> {
    let status = response.status();
    let is_json = |value: &HeaderValue| value.as_bytes().starts_with(b"application/json");
    let is_ours = response.headers().get(header::CONTENT_TYPE).is_some_and(is_json);
    if is_ours || !(status.is_client_error() || status.is_server_error()) {
        return None;
    }
    let reason = status.canonical_reason().unwrap_or("Error");
    Some(ApiError::router(
        status,
        Reason::Http(reason),
        format!("{reason}. The request cannot be understood as it is."),
    ))
}

/// The response when a handler panicked. The panic's message goes to the log.
#[allow(clippy::needless_pass_by_value)] // The signature is that of `CatchPanicLayer`.
pub(crate) fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let said = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without a message");
    ApiError::internal(format_args!("a handler panicked: {said}")).into_response()
}
