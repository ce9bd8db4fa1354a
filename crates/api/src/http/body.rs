//! Request bodies (contract magnum-v1 section 2.0).

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _, to_bytes};
use axum::extract::{FromRequest, Request};
use http::{HeaderMap, StatusCode, header};
use http_body_util::LengthLimitError;
use serde_json::{Map, Value};

use super::patch::{self, Operation};
use super::{ApiError, ApiReason, Result, json};

/// Largest body in bytes. Manifests may have 512 KiB, and JSON escapes make text longer.
pub(super) const MAX_BODY: usize = 1024 * 1024;

/// How long a body may take to arrive: enough for half a megabyte over a slow line.
const MAX_TIME: Duration = Duration::from_secs(30);

/// A body that is a JSON object.
#[derive(Debug)]
pub(crate) struct JsonObject(pub(crate) Map<String, Value>);

/// A body that is a JSON patch.
#[derive(Debug)]
pub(crate) struct JsonPatch(pub(crate) Vec<Operation>);

/// A body that is a JSON object or nothing at all.
#[derive(Debug)]
pub(crate) struct OptionalObject(pub(crate) Map<String, Value>);

/// The error for a body that is too large.
pub(super) fn too_large() -> ApiError {
    let detail = format!("The body is larger than {MAX_BODY} bytes. Send less.");
    ApiError::router(StatusCode::PAYLOAD_TOO_LARGE, ApiReason::BodyTooLarge, detail)
}

/// Reads all of a body, within the limits of size and time.
pub(crate) async fn collect(body: Body) -> Result<Bytes> {
    tokio::time::timeout(MAX_TIME, to_bytes(body, MAX_BODY))
        .await
        .map_err(|_| {
            ApiError::router(StatusCode::REQUEST_TIMEOUT, ApiReason::BodyTooSlow, "The body took too long to arrive.")
        })?
        .map_err(|error| {
            if error.into_inner().is::<LengthLimitError>() {
                return too_large();
            }
            ApiError::body("The body is incomplete, or its chunks cannot be read.")
        })
}

/// Refuses a body whose content type is not JSON, also on routes that read none. An empty body may have any content
/// type.
pub(super) fn check_type(request: &Request) -> Result<()> {
    let is_empty = request.body().size_hint().lower() == 0;
    if is_empty || is_json(request.headers()) { Ok(()) } else { Err(unsupported()) }
}

fn is_json(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_none_or(|value| {
        let text = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
        text.is_empty() || text.eq_ignore_ascii_case("application/json")
    })
}

fn unsupported() -> ApiError {
    ApiError::router(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ApiReason::UnsupportedMediaType,
        "The body must be application/json.",
    )
}

/// The body as JSON; `None` when it is empty.
async fn read(request: Request) -> Result<Option<Value>> {
    let is_json = is_json(request.headers());
    let body = collect(request.into_body()).await?;
    if body.is_empty() {
        return Ok(None);
    }
    if !is_json {
        return Err(unsupported());
    }
    json::parse(&body).map(Some).map_err(|error| {
        ApiError::body(format!("The body is not JSON: line {}, column {}: {error}.", error.line(), error.column()))
    })
}

impl<S: Sync> FromRequest<S> for JsonObject {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        match read(request).await? {
            Some(Value::Object(map)) => Ok(Self(map)),
            Some(_) => Err(ApiError::body("The body must be a JSON object.")),
            None => Err(ApiError::body("The body is missing. It must be a JSON object.")),
        }
    }
}

impl<S: Sync> FromRequest<S> for OptionalObject {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        match read(request).await? {
            Some(Value::Object(map)) => Ok(Self(map)),
            Some(_) => Err(ApiError::body("The body must be a JSON object, or empty.")),
            None => Ok(Self(Map::new())),
        }
    }
}

impl<S: Sync> FromRequest<S> for JsonPatch {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        match read(request).await? {
            Some(Value::Array(operations)) => patch::parse(operations).map(Self),
            Some(_) => Err(ApiError::body("The body must be a JSON patch: an array of operations.")),
            None => Err(ApiError::body("The body is missing. It must be a JSON patch: an array of operations.")),
        }
    }
}
