//! Maps Kubernetes' errors: to causes for steps, to workload errors for requests.

use jeroboam_model::{Cause, CauseExt as _, Code};
use kube::Error;
use kube::core::Status;

use crate::WorkloadError;
use crate::tls::chain;

/// An error while `doing` something, for a step of an operation.
pub(super) fn cause(doing: &str, error: &Error) -> Cause {
    match error {
        Error::Api(status) if is_passing(status.code) => Cause::passing(
            Code::EngineUnavailable,
            format!("Kubernetes cannot take the request now, {doing}"),
            "Nothing; it is retried automatically. If it stays so, look at etcd and kube-apiserver on the masters",
        )
        .said(said(status)),
        Error::Api(status) if matches!(status.code, 401 | 403) => Cause::operator(
            Code::EngineRefused,
            format!("Kubernetes does not accept our certificate or its rights, {doing}"),
            "Check the clocks of this machine and of the masters: certificates hold for a limited time only; then retry",
        )
        .said(said(status)),
        Error::Api(status) => Cause::operator(
            Code::EngineRefused,
            format!("Kubernetes refused, {doing}"),
            "See the underlying error; fix its cause, then retry",
        )
        .said(said(status)),
        other => unreachable(doing).said(chain(other)),
    }
}

/// Kubernetes did not answer in time, or not at all.
pub(super) fn unreachable(doing: &str) -> Cause {
    Cause::passing(
        Code::EngineUnavailable,
        format!("The cluster's Kubernetes API does not answer, {doing}"),
        "Nothing; it is retried automatically. If it stays so, look at the masters and their kube-apiserver",
    )
}

/// An error of a workload, for the user who made the request.
pub(super) fn workload(error: &Error) -> WorkloadError {
    match error {
        Error::Api(status) => match status.code {
            404 => WorkloadError::NotFound(said(status)),
            409 => WorkloadError::Conflict(said(status)),
            400 | 413 | 422 => WorkloadError::Invalid { field: field(status), message: said(status) },
            code if is_passing(code) => WorkloadError::Unreachable(said(status)),
            // 401 and 403 included: they concern our certificate or a policy of the cluster, and must not look like an
            // expired token of the user (contract workloads-2015 section 2.4).
            _ => WorkloadError::Refused(said(status)),
        },
        other => WorkloadError::Unreachable(chain(other)),
    }
}

/// Whether the API server cannot work now: too many requests, or an error of its own (etcd without a leader is
/// reported as 500).
fn is_passing(code: u16) -> bool {
    code == 429 || code >= 500
}

/// Kubernetes' message; its reason when there is none.
fn said(status: &Status) -> String {
    match (status.message.trim(), status.reason.trim()) {
        ("", "") => format!("status {}", status.code),
        ("", reason) => reason.to_owned(),
        (message, _) => message.to_owned(),
    }
}

/// The field that Kubernetes names first.
fn field(status: &Status) -> String {
    match status.details.as_ref().and_then(|details| details.causes.iter().find(|cause| !cause.field.is_empty())) {
        Some(cause) => format!("manifest: {}", cause.field),
        None => "manifest".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use kube::core::response::{StatusCause, StatusDetails};

    use super::*;

    fn api(code: u16, message: &str) -> Error {
        Error::Api(Box::new(Status::failure(message, "").with_code(code)))
    }

    #[test]
    fn each_status_becomes_the_right_error() {
        assert_eq!(workload(&api(404, "no pod")), WorkloadError::NotFound("no pod".to_owned()));
        assert_eq!(workload(&api(409, "there")), WorkloadError::Conflict("there".to_owned()));
        assert_eq!(workload(&api(403, "quota")), WorkloadError::Refused("quota".to_owned()));
        assert_eq!(workload(&api(401, "who")), WorkloadError::Refused("who".to_owned()));
        for code in [429, 500, 503, 504] {
            assert_eq!(workload(&api(code, "later")), WorkloadError::Unreachable("later".to_owned()));
        }
    }

    #[test]
    fn an_invalid_object_names_its_first_field() {
        let mut status = Status::failure("Pod \"a\" is invalid", "Invalid").with_code(422);
        assert_eq!(
            workload(&Error::Api(Box::new(status.clone()))),
            WorkloadError::Invalid { field: "manifest".to_owned(), message: "Pod \"a\" is invalid".to_owned() }
        );
        status.details = Some(StatusDetails {
            name: String::new(),
            group: String::new(),
            kind: "Pod".to_owned(),
            uid: String::new(),
            causes: vec![StatusCause {
                reason: "FieldValueRequired".to_owned(),
                message: "Required value".to_owned(),
                field: "spec.containers[0].image".to_owned(),
            }],
            retry_after_seconds: 0,
        });
        let WorkloadError::Invalid { field, .. } = workload(&Error::Api(Box::new(status))) else { panic!() };
        assert_eq!(field, "manifest: spec.containers[0].image");
    }

    #[test]
    fn what_passes_may_be_tried_again_and_what_does_not_may_not() {
        assert!(cause("listing nodes", &api(503, "later")).retryable);
        assert!(!cause("listing nodes", &api(403, "no")).retryable);
        assert!(!cause("listing nodes", &api(422, "no")).retryable);
        assert!(unreachable("listing nodes").retryable);
    }
}
