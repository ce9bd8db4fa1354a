//! The one error of handlers. It becomes a body when the request's id is known, in [`super::finish`].

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jeroboam_conductor::lookout::LookoutError;
use jeroboam_engine::WorkloadError;
use jeroboam_identity::policy::Denied;
use jeroboam_model::status::Request;
use jeroboam_model::{Cause, Code, FieldError, QuotaResource, WhoMustAct};
use jeroboam_store::StoreError;
use jeroboam_types::error::{ErrorBody, ErrorEntry};
use serde_json::json;

use super::Version;

/// Most bytes of what an error tells.
const MAX_DETAIL: usize = 2048;

/// Code of [`StoreError::KeyTaken`].
const KEY_TAKEN: &str = "idempotency_key_taken";

/// Code of [`StoreError::Overtaken`].
const OVERTAKEN: &str = "changed_meanwhile";

/// Code of [`StoreError::DryRun`], which no client sees: what was asked for is planned then.
const DRY_RUN: &str = "dry_run";

/// Code of [`StoreError::NotAllowed`].
const STATUS_REFUSES: &str = "status_refuses";

/// An outcome of a handler.
pub(crate) type Result<T> = std::result::Result<T, ApiError>;

/// Which body an error has (contract magnum-v1 section 3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shape {
    /// E1 of a handler: `code` is `client` or `server`.
    Handler,
    /// E1 of the router: `code` is empty.
    Router,
    /// E2: the microversion that was asked for is not supported. Carries the newest that is.
    Version(Version),
    /// E3: no valid token. Carries where to log in.
    Token(String),
}

/// An error answer in the making.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) shape: Shape,
    /// Stable code for programs.
    pub(crate) reason: String,
    /// Field of the request that it is about.
    pub(crate) field: Option<String>,
    /// For people: what went wrong and what to do.
    pub(crate) detail: String,
}

impl ApiError {
    /// An error of a handler.
    pub(crate) fn new(status: StatusCode, reason: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { status, shape: Shape::Handler, reason: reason.into(), field: None, detail: detail.into() }
    }

    /// An error of the router.
    pub(crate) fn router(status: StatusCode, reason: &str, detail: impl Into<String>) -> Self {
        Self { shape: Shape::Router, ..Self::new(status, reason, detail) }
    }

    /// Input is wrong.
    pub(crate) fn field(field: impl Into<String>, message: impl AsRef<str>) -> Self {
        let field = field.into();
        let detail = format!("{field}: {}", message.as_ref());
        Self { field: Some(field), ..Self::new(StatusCode::BAD_REQUEST, "invalid_input", detail) }
    }

    /// The body is no JSON or not the JSON that it should be.
    pub(crate) fn body(detail: impl Into<String>) -> Self {
        Self::router(StatusCode::BAD_REQUEST, "malformed_body", detail)
    }

    pub(crate) fn not_found(what: &str, ident: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("{} {ident} could not be found.", capital(what)))
    }

    /// No such route, or not in the microversion that was asked for.
    pub(crate) fn no_route() -> Self {
        Self::router(StatusCode::NOT_FOUND, "no_such_route", "There is nothing under this path.")
    }

    /// Something in our own house is wrong. `what` goes to the log, not to the client.
    pub(crate) fn internal(what: impl std::fmt::Display) -> Self {
        tracing::error!(%what, "internal error");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal_error",
            "Something went wrong inside the server. Give the operator the request id; the log says more.",
        )
    }

    /// The request was to be carried out on a state that is not there any more.
    pub(crate) fn changed_since() -> Self {
        Self::new(
            StatusCode::PRECONDITION_FAILED,
            "precondition_failed",
            "It is not in the state that If-Match or If-None-Match speaks of; nothing was changed. Read it again, and \
             decide with what it is now.",
        )
    }

    /// Whether another request with the same idempotency key was faster.
    pub(crate) fn is_key_taken(&self) -> bool {
        self.reason == KEY_TAKEN
    }

    /// Whether somebody changed what the request was built on: from the beginning once more, it may go well.
    pub(crate) fn is_overtaken(&self) -> bool {
        self.reason == OVERTAKEN
    }

    /// Whether the status of a cluster or node group refused the request.
    pub(crate) fn is_status_refusal(&self) -> bool {
        self.reason == STATUS_REFUSES
    }

    /// Whether the request went through everything, and nothing was kept because that is what was wanted.
    pub(crate) fn is_dry_run(&self) -> bool {
        self.reason == DRY_RUN
    }

    /// The same with another status.
    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The same about a field.
    pub(crate) fn about(mut self, field: &str) -> Self {
        if self.field.is_none() {
            self.detail = format!("{field}: {}", self.detail);
            self.field = Some(field.to_owned());
        }
        self
    }

    /// The body as clients of all times read it. Errors about tokens and microversions have their members of their own
    /// beside those that all errors have.
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
            reason: Some(self.reason.clone()),
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

/// A text without its middle when it is long: what was sent may be in it, and nobody needs a megabyte of it back.
fn shortened(text: &str) -> Cow<'_, str> {
    if text.len() <= MAX_DETAIL {
        return Cow::Borrowed(text);
    }
    let (head, tail) = (text.floor_char_boundary(MAX_DETAIL / 2), text.ceil_char_boundary(text.len() - MAX_DETAIL / 2));
    Cow::Owned(format!("{} … {}", &text[..head], &text[tail..]))
}

/// The first sentence is Magnum's, which people know and search for.
fn quota_words(resource: QuotaResource, limit: u32) -> String {
    let what = match resource {
        QuotaResource::Cluster => "clusters",
        QuotaResource::WorkerNode => "nodes",
        QuotaResource::MasterNode => "masters",
    };
    format!(
        "You have reached the maximum {what} per project, {limit}. Give back some that are not needed, or ask the \
         operator for a higher quota ({resource})."
    )
}

/// The first sentence. A full stop ends one only before a blank or the end, so that versions and addresses stay whole.
fn title(detail: &str) -> &str {
    detail.split_once(". ").map_or(detail, |(first, _)| first).trim_end_matches('.')
}

/// Words as a sentence.
fn sentence(words: &str) -> String {
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

impl From<FieldError> for ApiError {
    fn from(error: FieldError) -> Self {
        Self::field(error.field, error.message)
    }
}

impl From<Denied> for ApiError {
    fn from(denied: Denied) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", format!("{denied}."))
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound { what, ident } => Self::not_found(what, &ident),
            StoreError::Ambiguous { what, ident } => Self::new(
                StatusCode::CONFLICT,
                "ambiguous_name",
                format!("Multiple {what}s are named {ident}. Give the uuid instead of the name."),
            ),
            StoreError::Conflict(message) => Self::new(StatusCode::CONFLICT, "conflict", message),
            StoreError::Unfit(error) => error.into(),
            StoreError::Overtaken { .. } => Self::new(StatusCode::CONFLICT, OVERTAKEN, sentence(&error.to_string())),
            StoreError::InUse(message) => Self::new(StatusCode::BAD_REQUEST, "in_use", message),
            StoreError::QuotaReached { resource, limit } => {
                Self::new(StatusCode::FORBIDDEN, "quota_reached", quota_words(resource, limit))
            }
            StoreError::NotAllowed { status, request: Request::Retry } if !status.is_in_progress() => Self::new(
                StatusCode::BAD_REQUEST,
                "status_refuses",
                format!("Nothing has failed in status {status}, so there is nothing to retry."),
            ),
            StoreError::NotAllowed { status, request } => Self::new(
                // Groups meet a cluster that is not ready for them; the rest is no request in that status at all
                // (contract magnum-v1 sections 2.4 and 7.3).
                if request == Request::NodeGroup { StatusCode::CONFLICT } else { StatusCode::BAD_REQUEST },
                STATUS_REFUSES,
                format!(
                    "Status {status} does not allow {request}. {}, or delete it.",
                    if status.is_failed() { "Retry what failed" } else { "Wait until what is being done has ended" }
                ),
            ),
            StoreError::PreconditionFailed => Self::changed_since(),
            StoreError::DryRun => Self::new(StatusCode::CONFLICT, DRY_RUN, sentence(&error.to_string())),
            StoreError::KeyTaken => Self::new(
                StatusCode::CONFLICT,
                KEY_TAKEN,
                "Another request with this Idempotency-Key is being done. Send this one again in a moment.",
            ),
            // What was found may be other projects' business.
            StoreError::Held { found } => {
                tracing::info!(found, "refused: the deployment is held");
                Self::new(
                    StatusCode::CONFLICT,
                    "deployment_held",
                    "Nothing is made or removed now: the database may be an older one, or another server may work with a \
                     copy of it. The operator must act: see `jeroboam deployment show`, then choose with `jeroboam \
                     deployment accept` or `jeroboam deployment new-id`.",
                )
            }
            StoreError::BadSortKey(key) => Self::field("sort_key", format!("lists cannot be sorted by '{key}'")),
            StoreError::Busy(said) => {
                tracing::warn!(said, "database is busy");
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "database_busy",
                    "The database is busy; nothing was changed. Try again in a moment.",
                )
            }
            StoreError::Full(said) => {
                tracing::error!(said, "database cannot be written");
                Self::new(
                    StatusCode::INSUFFICIENT_STORAGE,
                    "database_unwritable",
                    "The database cannot be written; nothing was changed. The operator must free or repair the disk \
                     that it lies on.",
                )
            }
            StoreError::LeaseLost => Self::internal("a request lost a lease that it cannot have"),
            StoreError::Database(said) => Self::internal(said),
        }
    }
}

impl From<LookoutError> for ApiError {
    fn from(error: LookoutError) -> Self {
        match error {
            LookoutError::Store(error) => error.into(),
            LookoutError::Cause(cause) => cause.into(),
        }
    }
}

impl From<Cause> for ApiError {
    /// A cause that may pass is 503, one that the user can do something about is 409, others 500.
    fn from(cause: Cause) -> Self {
        let status = match (cause.kind(), cause.who_must_act, cause.retryable) {
            // Nothing is broken: there is no API to talk to before the cluster has come up.
            (Some(Code::ClusterNotReachableYet), ..) => StatusCode::CONFLICT,
            (_, _, true) => StatusCode::SERVICE_UNAVAILABLE,
            (_, WhoMustAct::User | WhoMustAct::ProjectAdmin, false) => StatusCode::CONFLICT,
            (_, WhoMustAct::Operator | WhoMustAct::Cloud, false) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, cause.code.clone(), words(&cause))
    }
}

/// Message and advice of a cause as sentences.
pub(crate) fn words(cause: &Cause) -> String {
    format!("{} {}", sentence(&cause.message), sentence(&cause.action))
}

impl From<WorkloadError> for ApiError {
    fn from(error: WorkloadError) -> Self {
        match error {
            WorkloadError::Invalid { field, message } => Self::field(field, message),
            WorkloadError::NotFound(said) => Self::new(StatusCode::NOT_FOUND, "not_found", sentence(&said)),
            WorkloadError::Conflict(said) => Self::new(StatusCode::CONFLICT, "conflict", sentence(&said)),
            WorkloadError::Refused(said) => Self::new(StatusCode::BAD_REQUEST, "engine_refused", sentence(&said)),
            WorkloadError::TimedOut(said) => {
                Self::new(StatusCode::GATEWAY_TIMEOUT, "command_timed_out", sentence(&said))
            }
            error @ WorkloadError::Unreachable(_) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "cluster_unreachable",
                format!("{} Look at the cluster's health, and try again.", sentence(&error.to_string())),
            ),
        }
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

    #[test]
    fn a_command_that_took_too_long_is_no_success() {
        let error = ApiError::from(WorkloadError::TimedOut("the command did not end within 50 s".into()));
        assert_eq!((error.status.as_u16(), error.reason.as_str()), (504, "command_timed_out"));
        assert_eq!(error.detail, "The command did not end within 50 s.");
    }

    #[test]
    fn what_the_database_says_stays_inside() {
        for error in [StoreError::Database("SELECT x".into()), StoreError::Busy("SELECT x".into())] {
            let error = ApiError::from(error);
            assert!(error.status.is_server_error() && !error.body_with("").to_string().contains("SELECT"));
        }
    }
}
