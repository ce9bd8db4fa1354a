//! Parts of responses: links, times, lists, accepted writes.

use axum::Json;
use axum::body::Bytes;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use jeroboam_types::operation::Operation;
use jeroboam_types::v1::Link;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::trail;

/// The reference of this API for people.
pub(crate) const HELP_URL: &str = "https://docs.openstack.org/api-ref/container-infrastructure-management/";

/// The header with the id of the operation that an accepted write has started. Ours.
pub(crate) const OPERATION: HeaderName = HeaderName::from_static("x-jeroboam-operation");

/// The two links of an item (contract magnum-v1 section 4).
pub(crate) fn links(base: &str, collection: &str, ident: impl std::fmt::Display) -> Vec<Link> {
    let link = |rel: &str, href| Link { rel: rel.to_owned(), href, media_type: None };
    vec![
        link("self", format!("{base}/v1/{collection}/{ident}")),
        link("bookmark", format!("{base}/{collection}/{ident}")),
    ]
}

/// A time as Magnum writes it: always with microseconds and offset.
pub(crate) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string()
}

/// A value as a map of its attributes.
pub(crate) fn attributes(value: impl serde::Serialize) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

/// A response whose body is JSON already.
pub(crate) fn json(body: Bytes) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
}

/// 200 with a list.
pub(crate) fn list(key: &str, items: Vec<Value>, next: Option<String>) -> Response {
    Json(list_body(key, items, next)).into_response()
}

/// The body of a list. `next` is left out when there is none.
pub(crate) fn list_body(key: &str, items: Vec<Value>, next: Option<String>) -> Value {
    let mut body = Map::new();
    body.insert(key.to_owned(), Value::Array(items));
    if let Some(next) = next {
        body.insert("next".to_owned(), Value::String(next));
    }
    Value::Object(body)
}

/// 202 with the id of the resource that changes.
pub(crate) fn accepted(uuid: Uuid, operation: Option<&Operation>) -> Response {
    with_operation((StatusCode::ACCEPTED, Json(json!({"uuid": uuid}))).into_response(), operation)
}

/// Adds the header with the operation's id.
pub(crate) fn with_operation(mut response: Response, operation: Option<&Operation>) -> Response {
    if let Some(operation) = operation
        && let Ok(value) = HeaderValue::from_str(&operation.uuid.to_string())
    {
        trail::operation(operation.uuid);
        response.headers_mut().insert(OPERATION, value);
    }
    response
}

/// 201 with the resource and its location.
pub(crate) fn created(base: &str, collection: &str, uuid: impl std::fmt::Display, body: Value) -> Response {
    let location = HeaderValue::from_str(&format!("{base}/v1/{collection}/{uuid}"));
    let mut response = (StatusCode::CREATED, Json(body)).into_response();
    if let Ok(location) = location {
        response.headers_mut().insert(http::header::LOCATION, location);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_microseconds_and_an_offset() {
        let at: Timestamp = "2026-07-01T12:34:56.123456789Z".parse().unwrap();
        assert_eq!(time(at), "2026-07-01T12:34:56.123456+00:00");
        assert_eq!(time(Timestamp::UNIX_EPOCH), "1970-01-01T00:00:00.000000+00:00");
    }
}
