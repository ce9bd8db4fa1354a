//! The only error type of handlers. [`super::finish`] renders its body, when the request's id is known.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jeroboam_types::error::{ErrorBody, ErrorEntry};
use serde_json::json;

use super::{ApiReason, Reason, Version};

/// Longest detail of an error in bytes.
const MAX_DETAIL: usize = 2048;

/// The result of a handler.
pub(crate) type Result<T> = std::result::Result<T, ApiError>;

/// Which body an error has (contract magnum-v1 section 3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shape {
    /// E1 from a handler: `code` is `client` or `server`.
    Handler,
    /// E1 from the router: `code` is empty.
    Router,
    /// E2: the requested microversion is not supported. Carries the newest supported one.
    Version(Version),
    /// E3: no valid token. Carries the URL of the identity service.
    Token(String),
}

/// An error response whose body is not rendered yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) shape: Shape,
    /// Stable code for programs.
    pub(crate) reason: Reason,
    /// The field of the request that caused it.
    pub(crate) field: Option<String>,
    /// For people: what went wrong and what to do next.
    pub(crate) detail: String,
}

impl ApiError {
    /// An error of a handler.
    pub(crate) fn new(status: StatusCode, reason: impl Into<Reason>, detail: impl Into<String>) -> Self {
        Self { status, shape: Shape::Handler, reason: reason.into(), field: None, detail: detail.into() }
    }

    /// An error of the router.
    pub(crate) fn router(status: StatusCode, reason: impl Into<Reason>, detail: impl Into<String>) -> Self {
        Self { shape: Shape::Router, ..Self::new(status, reason, detail) }
    }

    /// Invalid input in a field: 400.
    pub(crate) fn field(field: impl Into<String>, message: impl AsRef<str>) -> Self {
        let field = field.into();
        let detail = format!("{field}: {}", message.as_ref());
        Self { field: Some(field), ..Self::new(StatusCode::BAD_REQUEST, ApiReason::InvalidInput, detail) }
    }

    /// The body is not JSON, or not the expected JSON.
    pub(crate) fn body(detail: impl Into<String>) -> Self {
        Self::router(StatusCode::BAD_REQUEST, ApiReason::MalformedBody, detail)
    }

    pub(crate) fn not_found(what: &str, ident: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, ApiReason::NotFound, format!("{} {ident} could not be found.", capital(what)))
    }

    /// No such route, or not in the requested microversion.
    pub(crate) fn no_route() -> Self {
        Self::router(StatusCode::NOT_FOUND, ApiReason::NoSuchRoute, "There is no resource at this path.")
    }

    /// An internal error. `what` goes to the log, not to the client.
    pub(crate) fn internal(what: impl std::fmt::Display) -> Self {
        tracing::error!(%what, "internal error");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            ApiReason::InternalError,
            "Internal server error. Give the operator the request id; the server's log has the details.",
        )
    }

    /// The request's precondition names a state that is no longer current.
    pub(crate) fn changed_since() -> Self {
        Self::new(
            StatusCode::PRECONDITION_FAILED,
            ApiReason::PreconditionFailed,
            "The state is not the one that If-Match or If-None-Match names; nothing was changed. Read it again, and \
             decide by its current state.",
        )
    }

    /// Whether another request took the same idempotency key first.
    pub(crate) fn is_key_taken(&self) -> bool {
        self.reason == Reason::Api(ApiReason::IdempotencyKeyTaken)
    }

    /// Whether somebody changed concurrently what the request depends on: a retry from the start may succeed.
    pub(crate) fn is_overtaken(&self) -> bool {
        self.reason == Reason::Api(ApiReason::ChangedMeanwhile)
    }

    /// Whether the status of a cluster or node group refused the request.
    pub(crate) fn is_status_refusal(&self) -> bool {
        self.reason == Reason::Api(ApiReason::StatusRefuses)
    }

    /// Whether the request succeeded as a dry run, so that nothing was stored.
    pub(crate) fn is_dry_run(&self) -> bool {
        self.reason == Reason::Api(ApiReason::DryRun)
    }

    /// The same error with another status.
    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The same error about a field, unless it names one already.
    pub(crate) fn about(mut self, field: &str) -> Self {
        if self.field.is_none() {
            self.detail = format!("{field}: {}", self.detail);
            self.field = Some(field.to_owned());
        }
        self
    }

    /// The body in the format that old and new clients read. Errors about tokens and microversions have additional
    /// members.
    pub(crate) fn body_with(&self, request_id: &str) -> serde_json::Value {
        let is_client = self.status.is_client_error();
        let detail = shortened(&self.detail);
        let fault = json!({
            "faultcode": if is_client { "Client" } else { "Server" },
            "faultstring": detail,
            "debuginfo": null,
        });
        let code = match (&self.shape, is_client) {
            (Shape::Version(_), _) => "magnum.microversion-unsupported",
            (Shape::Router | Shape::Token(_), _) => "",
            (Shape::Handler, true) => "client",
            (Shape::Handler, false) => "server",
        };
        let entry = ErrorEntry {
            request_id: request_id.to_owned(),
            code: code.to_owned(),
            status: self.status.as_u16(),
            title: title(&detail).to_owned(),
            detail: detail.clone().into_owned(),
            links: Vec::new(),
            reason: Some(self.reason.to_string()),
            field: self.field.as_deref().map(|field| shortened(field).into_owned()),
        };
        let mut body = json!(ErrorBody { errors: vec![entry], error_message: fault.to_string() });
        match &self.shape {
            Shape::Token(_) => {
                body["error"] = json!({"code": self.status.as_u16(), "title": "Unauthorized", "message": detail});
            }
            Shape::Version(newest) => {
                let entry = &mut body["errors"][0];
                entry["title"] = json!("Requested microversion is unsupported");
                entry["description"] = json!(detail);
                entry["min_version"] = json!(Version::MIN.to_string());
                entry["max_version"] = json!(newest.to_string());
                entry["links"] = json!([{"rel": "help", "href": super::reply::HELP_URL}]);
            }
            Shape::Handler | Shape::Router => {}
        }
        body
    }
}

/// Cuts out the middle of a long text: it may quote the request, and nobody needs a megabyte of that back.
fn shortened(text: &str) -> Cow<'_, str> {
    if text.len() <= MAX_DETAIL {
        return Cow::Borrowed(text);
    }
    let (head, tail) = (text.floor_char_boundary(MAX_DETAIL / 2), text.ceil_char_boundary(text.len() - MAX_DETAIL / 2));
    Cow::Owned(format!("{} … {}", &text[..head], &text[tail..]))
}

/// The first sentence. A full stop ends it only before a space or the end, so that versions and addresses stay whole.
fn title(detail: &str) -> &str {
    detail.split_once(". ").map_or(detail, |(first, _)| first).trim_end_matches('.')
}

/// Turns a message into a sentence: a capital letter first, a full stop last.
pub(super) fn sentence(words: &str) -> String {
    format!("{}.", capital(words.trim_end_matches('.')))
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_title_is_the_first_sentence() {
        assert_eq!(title("Cluster x could not be found."), "Cluster x could not be found");
        assert_eq!(title("kube_tag: 'v1' is no version. Give v1.37.2."), "kube_tag: 'v1' is no version");
    }

    #[test]
    fn both_generations_of_clients_find_the_message() {
        let body = ApiError::field("node_count", "must be 1").body_with("req-1");
        assert_eq!(body["errors"][0]["title"], "node_count: must be 1");
        assert_eq!(body["errors"][0]["code"], "client");
        assert_eq!(body["errors"][0]["field"], "node_count");
        let old: serde_json::Value = serde_json::from_str(body["error_message"].as_str().unwrap()).unwrap();
        assert_eq!(old["faultstring"], "node_count: must be 1");
    }
}
