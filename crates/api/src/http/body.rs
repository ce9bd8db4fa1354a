//! Request bodies (contract magnum-v1 section 2.0).

use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{FromRequest, Request};
use http::{StatusCode, header};
use serde_json::{Map, Value};

use super::patch::{self, Operation};
use super::{ApiError, Result};

/// Largest body. Manifests may have 512 KiB, and JSON makes text longer.
const MAX_BODY: usize = 1024 * 1024;

/// How long a body may take to arrive: half a megabyte over the slowest line.
const MAX_TIME: Duration = Duration::from_secs(30);

/// A body that is a JSON object.
#[derive(Debug)]
pub(crate) struct JsonObject(pub(crate) Map<String, Value>);

/// A body that is a JSON patch.
#[derive(Debug)]
pub(crate) struct JsonPatch(pub(crate) Vec<Operation>);

/// The body as JSON; `None` when it is empty.
async fn read(request: Request) -> Result<Option<Value>> {
    let content_type = request.headers().get(header::CONTENT_TYPE).cloned();
    let too_large = || {
        ApiError::router(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            format!("The body is larger than {MAX_BODY} bytes or was cut off."),
        )
    };
    let body = tokio::time::timeout(MAX_TIME, to_bytes(request.into_body(), MAX_BODY))
        .await
        .map_err(|_| {
            ApiError::router(StatusCode::REQUEST_TIMEOUT, "body_too_slow", "The body took too long to arrive.")
        })?
        .map_err(|_| too_large())?;
    if body.is_empty() {
        return Ok(None);
    }
    let is_json = content_type.is_none_or(|value| {
        let text = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
        text.is_empty() || text.eq_ignore_ascii_case("application/json")
    });
    if !is_json {
        return Err(ApiError::router(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "The body must be application/json.",
        ));
    }
    serde_json::from_slice(&body).map(Some).map_err(|error| {
        ApiError::body(format!("The body is no JSON: line {}, column {}: {error}.", error.line(), error.column()))
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
