//! Maps a swarm's errors: to causes for steps, to workload errors for requests.

use bollard::errors::Error;
use jeroboam_model::{Cause, CauseExt as _, Code};

use crate::WorkloadError;
use crate::tls::chain;

/// An error while `doing` something, for a step of an operation.
pub(super) fn cause(doing: &str, error: &Error) -> Cause {
    let Error::DockerResponseServerError { status_code, message } = error else {
        return unreachable(doing).said(chain(error));
    };
    match status_code {
        // The engine has lost its swarm or its leader, or has timed out.
        500.. => Cause::passing(
            Code::EngineUnavailable,
            format!("The swarm cannot take the request now, {doing}"),
            "Nothing; it is retried automatically. If it stays so, check that most of the managers are up",
        ),
        401 | 403 => Cause::operator(
            Code::EngineRefused,
            format!("The swarm does not accept our certificate or its rights, {doing}"),
            "Check the clocks of this machine and of the managers: certificates hold for a limited time only; then retry",
        ),
        _ => Cause::operator(
            Code::EngineRefused,
            format!("The swarm refused, {doing}"),
            "See the underlying error; fix its cause, then retry",
        ),
    }
    .said(message.trim())
}

/// The managers did not answer in time, or not at all.
pub(super) fn unreachable(doing: &str) -> Cause {
    Cause::passing(
        Code::EngineUnavailable,
        format!("The swarm's managers do not answer, {doing}"),
        "Nothing; it is retried automatically. If it stays so, look at the masters and their dockerd",
    )
}

/// An error of a container, for the user who made the request.
pub(super) fn workload(error: &Error) -> WorkloadError {
    let Error::DockerResponseServerError { status_code, message } = error else {
        return WorkloadError::Unreachable(chain(error));
    };
    let said = message.trim().to_owned();
    match status_code {
        400 => WorkloadError::Invalid { field: "container".to_owned(), message: said },
        404 => WorkloadError::NotFound(said),
        409 => WorkloadError::Conflict(said),
        500.. => WorkloadError::Unreachable(said),
        _ => WorkloadError::Refused(said),
    }
}

/// The object was changed concurrently; the swarm has no status code of its own for that.
pub(super) fn is_outdated(error: &Error) -> bool {
    matches!(error, Error::DockerResponseServerError { message, .. } if message.contains("update out of sequence"))
}

/// The object does not exist (any more).
pub(super) fn is_missing(error: &Error) -> bool {
    matches!(error, Error::DockerResponseServerError { status_code: 404, .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn docker(status_code: u16, message: &str) -> Error {
        Error::DockerResponseServerError { status_code, message: message.to_owned() }
    }

    #[test]
    fn each_status_becomes_the_right_error() {
        assert_eq!(workload(&docker(404, "gone\n")), WorkloadError::NotFound("gone".to_owned()));
        assert_eq!(workload(&docker(409, "there")), WorkloadError::Conflict("there".to_owned()));
        assert_eq!(workload(&docker(403, "no")), WorkloadError::Refused("no".to_owned()));
        assert_eq!(
            workload(&docker(400, "bad")),
            WorkloadError::Invalid { field: "container".to_owned(), message: "bad".to_owned() }
        );
        assert_eq!(
            workload(&docker(503, "This node is not a swarm manager.")),
            WorkloadError::Unreachable("This node is not a swarm manager.".to_owned())
        );
        assert!(matches!(workload(&Error::RequestTimeoutError), WorkloadError::Unreachable(_)));
    }

    #[test]
    fn only_what_passes_may_be_tried_again() {
        assert!(cause("listing nodes", &docker(500, "rpc error: code = DeadlineExceeded")).retryable);
        assert!(cause("listing nodes", &Error::RequestTimeoutError).retryable);
        assert!(!cause("listing nodes", &docker(403, "no")).retryable);
        assert!(!cause("listing nodes", &docker(400, "no")).retryable);
    }
}
