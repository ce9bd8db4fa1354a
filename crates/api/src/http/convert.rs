//! Errors of the layers below as answers: which status each has, and what of it clients may see.

use http::StatusCode;
use jeroboam_conductor::lookout::LookoutError;
use jeroboam_engine::WorkloadError;
use jeroboam_identity::policy::Denied;
use jeroboam_model::status::Request;
use jeroboam_model::{Cause, Code, FieldError, QuotaResource, WhoMustAct};
use jeroboam_store::StoreError;

use super::ApiReason;
use super::error::{ApiError, sentence};

/// The first sentence is Magnum's: users know it and search for it.
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

impl From<FieldError> for ApiError {
    fn from(error: FieldError) -> Self {
        Self::field(error.field, error.message)
    }
}

impl From<Denied> for ApiError {
    fn from(denied: Denied) -> Self {
        Self::new(StatusCode::FORBIDDEN, ApiReason::Forbidden, format!("{denied}."))
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound { what, ident } => Self::not_found(what, &ident),
            StoreError::Ambiguous { what, ident } => Self::new(
                StatusCode::CONFLICT,
                ApiReason::AmbiguousName,
                format!("Multiple {what}s are named {ident}. Give the uuid instead of the name."),
            ),
            StoreError::Conflict(message) => Self::new(StatusCode::CONFLICT, ApiReason::Conflict, message),
            StoreError::Unfit(error) => error.into(),
            StoreError::Overtaken { .. } => {
                Self::new(StatusCode::CONFLICT, ApiReason::ChangedMeanwhile, sentence(&error.to_string()))
            }
            StoreError::InUse(message) => Self::new(StatusCode::BAD_REQUEST, ApiReason::InUse, message),
            StoreError::QuotaReached { resource, limit } => {
                Self::new(StatusCode::FORBIDDEN, ApiReason::QuotaReached, quota_words(resource, limit))
            }
            StoreError::NotAllowed { status, request: Request::Retry } if !status.is_in_progress() => Self::new(
                StatusCode::BAD_REQUEST,
                ApiReason::StatusRefuses,
                format!("Nothing has failed in status {status}, so there is nothing to retry."),
            ),
            StoreError::NotAllowed { status, request } => Self::new(
                // For node groups it is a conflict: the cluster is not ready for them. Other requests are invalid in
                // that status (contract magnum-v1 sections 2.4 and 7.3).
                if request == Request::NodeGroup { StatusCode::CONFLICT } else { StatusCode::BAD_REQUEST },
                ApiReason::StatusRefuses,
                format!(
                    "Status {status} does not allow {request}. {}, or delete it.",
                    if status.is_failed() { "Retry what failed" } else { "Wait until the operation has finished" }
                ),
            ),
            StoreError::PreconditionFailed => Self::changed_since(),
            StoreError::DryRun => Self::new(StatusCode::CONFLICT, ApiReason::DryRun, sentence(&error.to_string())),
            StoreError::KeyTaken => Self::new(
                StatusCode::CONFLICT,
                ApiReason::IdempotencyKeyTaken,
                "Another request with this Idempotency-Key is in progress. Retry in a moment.",
            ),
            // The details may be about other projects, so they are only logged.
            StoreError::Held { found } => {
                tracing::info!(found, "refused: the deployment is held");
                Self::new(
                    StatusCode::CONFLICT,
                    ApiReason::DeploymentHeld,
                    "Nothing is created or removed now: the database may be an older one, or another server may work with \
                     a copy of it. The operator must act: see `jeroboam deployment show`, then choose with `jeroboam \
                     deployment accept` or `jeroboam deployment new-id`.",
                )
            }
            StoreError::BadSortKey(key) => Self::field("sort_key", format!("lists cannot be sorted by '{key}'")),
            StoreError::Busy(said) => {
                tracing::warn!(said, "database is busy");
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    ApiReason::DatabaseBusy,
                    "The database is busy; nothing was changed. Try again in a moment.",
                )
            }
            StoreError::Full(said) => {
                tracing::error!(said, "database cannot be written");
                Self::new(
                    StatusCode::INSUFFICIENT_STORAGE,
                    ApiReason::DatabaseUnwritable,
                    "The database cannot be written; nothing was changed. The operator must free or repair the disk \
                     that it is on.",
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
    /// A retryable cause is 503, one on which the user must act is 409, others are 500.
    fn from(cause: Cause) -> Self {
        let status = match (cause.kind(), cause.who_must_act, cause.retryable) {
            // Nothing is broken: a cluster has no API before it is up.
            (Some(Code::ClusterNotReachableYet), ..) => StatusCode::CONFLICT,
            (_, _, true) => StatusCode::SERVICE_UNAVAILABLE,
            (_, WhoMustAct::User | WhoMustAct::ProjectAdmin, false) => StatusCode::CONFLICT,
            (_, WhoMustAct::Operator | WhoMustAct::Cloud, false) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, &cause, words(&cause))
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
            WorkloadError::NotFound(said) => Self::new(StatusCode::NOT_FOUND, ApiReason::NotFound, sentence(&said)),
            WorkloadError::Conflict(said) => Self::new(StatusCode::CONFLICT, ApiReason::Conflict, sentence(&said)),
            WorkloadError::Refused(said) => {
                Self::new(StatusCode::BAD_REQUEST, ApiReason::EngineRefused, sentence(&said))
            }
            WorkloadError::TimedOut(said) => {
                Self::new(StatusCode::GATEWAY_TIMEOUT, ApiReason::CommandTimedOut, sentence(&said))
            }
            error @ WorkloadError::Unreachable(_) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                ApiReason::ClusterUnreachable,
                format!("{} Look at the cluster's health, and try again.", sentence(&error.to_string())),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_took_too_long_is_no_success() {
        let error = ApiError::from(WorkloadError::TimedOut("the command did not end within 50 s".into()));
        assert_eq!((error.status.as_u16(), error.reason), (504, ApiReason::CommandTimedOut.into()));
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
