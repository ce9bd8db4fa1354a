//! Limits that are checked first, because processing the request would cost more than refusing it.
//!
//! The server (see [`crate::serve`]) has its own limits far above these: what exceeds them gets a bare status without a
//! body, as no request has been parsed yet.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use percent_encoding::percent_decode_str;

use super::body::{MAX_BODY, too_large};
use super::{ApiError, ApiReason, Result};

/// Largest head of a request in bytes: path, query and headers. Tokens are the longest part; those with a large catalog
/// have a few kilobytes.
pub(crate) const MAX_HEAD: usize = 16 * 1024;

/// Bytes around a header: colon, space, end of line.
const AROUND_HEADER: usize = 4;

/// Passes a request on if it is within the limits.
pub(crate) async fn limits(request: Request, next: Next) -> Response {
    match check(&request) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

fn check(request: &Request) -> Result<()> {
    let headers = request.headers();
    let path_and_query = request.uri().path_and_query().map_or(0, |text| text.as_str().len());
    let head: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + AROUND_HEADER).sum();
    if path_and_query + head > MAX_HEAD {
        return Err(ApiError::router(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            ApiReason::HeadTooLarge,
            format!("Path and headers of the request are larger than {MAX_HEAD} bytes. Send fewer or shorter ones."),
        ));
    }
    if announced(headers).is_some_and(|length| length > MAX_BODY as u64) {
        return Err(too_large());
    }
    for part in [request.uri().path(), request.uri().query().unwrap_or_default()] {
        if percent_decode_str(part).decode_utf8().is_ok_and(|text| !text.contains('\0')) {
            continue;
        }
        return Err(ApiError::router(
            StatusCode::BAD_REQUEST,
            ApiReason::MalformedPath,
            "Path or query are not UTF-8, or contain the character U+0000, once percent-decoded.",
        ));
    }
    Ok(())
}

/// The announced length of the body.
fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
