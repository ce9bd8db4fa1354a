//! Causes of failures at a Docker Engine: what was being done, who must act, the underlying error.

use bollard::errors::Error;
use jeroboam_model::{Cause, CauseExt, Code};

/// A call to the engine that failed.
#[derive(Debug)]
pub(super) struct Failure {
    /// What was being done, as the start of a sentence: `Creating the network of cluster c`.
    pub(super) doing: String,
    /// The error.
    pub(super) error: Error,
}

impl Failure {
    /// Whether the engine answered with this HTTP status.
    pub(super) fn is(&self, status: u16) -> bool {
        matches!(&self.error, Error::DockerResponseServerError { status_code, .. } if *status_code == status)
    }

    /// Whether the engine's error message contains these words, ignoring case.
    pub(super) fn says(&self, words: &str) -> bool {
        matches!(&self.error, Error::DockerResponseServerError { message, .. } if contains(message, words))
    }

    /// Whether the object does not exist (any more).
    pub(super) fn is_gone(&self) -> bool {
        self.is(404)
    }

    /// Whether the engine's error means that it lacks privileges itself.
    pub(super) fn is_lack_of_privilege(&self) -> bool {
        ["operation not permitted", "apply caps", "permission denied", "privileged mode is incompatible"]
            .iter()
            .any(|words| self.says(words))
    }

    /// Whether the connection, or its negotiated API version, is no longer valid.
    pub(super) fn is_lost(&self) -> bool {
        !matches!(&self.error, Error::DockerResponseServerError { .. }) || self.says("client version")
    }
}

impl From<Failure> for Cause {
    fn from(failure: Failure) -> Self {
        let Failure { doing, error } = failure;
        match &error {
            Error::DockerResponseServerError { status_code, message } => answered(&doing, *status_code, message),
            Error::RequestTimeoutError => Cause::passing(
                Code::InfrastructureUnavailable,
                format!("{doing}: the Docker Engine did not answer in time."),
                "Nothing: it is retried automatically. If it stays so, check the Docker Engine's machine.",
            ),
            Error::UnsupportedURISchemeError { uri } => Cause::operator(
                Code::InfrastructureConfiguration,
                format!("{doing}: {uri:?} is not an address of a Docker Engine."),
                "Give an address such as unix:///var/run/docker.sock or tcp://HOST:2376.",
            ),
            _ if io_kind(&error) == Some(std::io::ErrorKind::PermissionDenied) => Cause::operator(
                Code::InfrastructureForbidden,
                format!("{doing}: Jeroboam may not talk to the Docker Engine."),
                "Run Jeroboam as a member of the group `docker`, or as root.",
            )
            .said(words(&error)),
            Error::JsonDataError { .. } | Error::JsonSerdeError { .. } => Cause::operator(
                Code::InfrastructureError,
                format!("{doing}: the Docker Engine's response is invalid."),
                "Use Docker Engine 20.10 or newer, and check that the address leads to one.",
            )
            .said(words(&error)),
            _ => Cause::passing(
                Code::InfrastructureUnavailable,
                format!("{doing}: the Docker Engine does not answer."),
                "Start the Docker Engine; the operation then continues automatically.",
            )
            .said(words(&error)),
        }
    }
}

/// The cause of an error response. Determined by its message where Docker has no status code of its own for it: these
/// messages have been the same in all versions.
fn answered(doing: &str, status: u16, message: &str) -> Cause {
    let says = |words: &str| contains(message, words);
    let operator = |code: Code, what: &str, action: &str| Cause::operator(code, format!("{doing}: {what}"), action);
    let cause = if says("no space left") || says("disk quota exceeded") {
        operator(
            Code::InfrastructureDiskFull,
            "the Docker Engine has no disk space left.",
            "Free space where Docker keeps its data (`docker system df` shows what uses it).",
        )
        .may_pass()
    } else if says("no such image") {
        operator(
            Code::ImageMissing,
            "the Docker Engine does not have the image.",
            "Build the node image with `make image`, or pull the one that the template names.",
        )
    } else if says("cannot allocate memory") || says("resource temporarily unavailable") {
        operator(
            Code::InfrastructureOutOfMemory,
            "the Docker Engine's machine has not enough memory or processes left.",
            "Stop something there, use smaller flavors or fewer nodes.",
        )
        .may_pass()
    } else if says("apply caps") {
        operator(
            Code::InfrastructureCapabilities,
            "the Docker Engine may not give containers what nodes need.",
            "Run a Docker Engine with full capabilities (CapabilityBoundingSet of its service, or of the container that \
             it runs in).",
        )
    } else if says("address already in use") {
        Cause::passing(
            Code::AddressInUse,
            format!("{doing}: another container has the node's address."),
            "Disconnect the container that is not Jeroboam's from the cluster's network.",
        )
    } else if status == 409 && says("is already in use by container") {
        operator(
            Code::NameConflict,
            "another container has the name.",
            "Remove or rename the container that is not Jeroboam's.",
        )
    } else if status == 404 {
        Cause::passing(
            Code::InfrastructureBusy,
            format!("{doing}: something that it needs was removed concurrently."),
            "Nothing: it is retried automatically.",
        )
    } else if status == 409 {
        Cause::passing(
            Code::InfrastructureBusy,
            format!("{doing}: it is in use, or is being changed concurrently."),
            "Nothing: it is retried automatically.",
        )
    } else if says("exec format error") || says("unable to start container process: exec:") {
        operator(
            Code::AgentNotExecutable,
            "the agent cannot be run in the image.",
            "Build jeroboam-node for the processor and C library of the node image.",
        )
    } else if says("client version") {
        operator(
            Code::InfrastructureVersion,
            "the Docker Engine is too old or too new.",
            "Use Docker Engine 20.10 or newer.",
        )
    } else if status >= 500 {
        Cause::passing(
            Code::InfrastructureError,
            format!("{doing}: the Docker Engine failed."),
            "Nothing at first: it is retried automatically. If it stays so, see the Docker Engine's log.",
        )
    } else {
        operator(
            Code::InfrastructureRefused,
            "the Docker Engine refused.",
            "See the underlying error; if it is about something of Jeroboam's own, please report it.",
        )
    };
    cause.said(message)
}

fn contains(text: &str, words: &str) -> bool {
    text.to_lowercase().contains(words)
}

/// The error and its chain of sources, in one line.
fn words(error: &Error) -> String {
    let mut line = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let text = cause.to_string();
        if !line.contains(&text) {
            line = format!("{line}: {text}");
        }
        source = cause.source();
    }
    line
}

/// The kind of the underlying IO error, if there is one.
fn io_kind(error: &Error) -> Option<std::io::ErrorKind> {
    // The source of this variant is the source of its IO error, so the IO error itself is not in the chain.
    if let Error::IOError { err } = error {
        return Some(err.kind());
    }
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(cause) = next {
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            return Some(io.kind());
        }
        next = cause.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use jeroboam_model::WhoMustAct;

    use super::*;

    fn answer(status_code: u16, message: &str) -> Cause {
        let error = Error::DockerResponseServerError { status_code, message: message.to_owned() };
        Failure { doing: "Starting c-master-0".into(), error }.into()
    }

    #[test]
    fn dockers_words_become_codes_and_who_must_act_it_is() {
        use WhoMustAct::{Cloud, Operator};
        for (status, message, code, whose, passes) in [
            (500, "write /x: no space left on device", "infrastructure_disk_full", Operator, true),
            (404, "No such image: jeroboam/node:debian-13", "image_missing", Operator, false),
            (500, "fork/exec /proc/self/exe: cannot allocate memory", "infrastructure_out_of_memory", Operator, true),
            (500, "unable to apply caps: operation not permitted", "infrastructure_capabilities", Operator, false),
            (403, "Address already in use", "address_in_use", Cloud, true),
            (
                409,
                "Conflict. The container name \"/x\" is already in use by container \"y\".",
                "name_conflict",
                Operator,
                false,
            ),
            (404, "network x not found", "infrastructure_busy", Cloud, true),
            (409, "remove x: volume is in use - [y]", "infrastructure_busy", Cloud, true),
            (400, "client version 1.41 is too old.", "infrastructure_version", Operator, false),
            (500, "something else", "infrastructure_error", Cloud, true),
            (400, "something else", "infrastructure_refused", Operator, false),
        ] {
            let cause = answer(status, message);
            assert_eq!((cause.code.as_str(), cause.who_must_act, cause.retryable), (code, whose, passes), "{message}");
            assert_eq!(cause.detail.as_deref(), Some(message));
            assert!(cause.message.starts_with("Starting c-master-0: "), "{}", cause.message);
        }
    }

    #[test]
    fn an_engine_that_is_away_passes_and_one_that_is_forbidden_does_not() {
        let io = |kind| Failure { doing: "Looking".into(), error: Error::IOError { err: std::io::Error::from(kind) } };
        let away = Cause::from(io(std::io::ErrorKind::ConnectionRefused));
        assert_eq!((away.code.as_str(), away.retryable), ("infrastructure_unavailable", true));
        let forbidden = Cause::from(io(std::io::ErrorKind::PermissionDenied));
        assert_eq!((forbidden.code.as_str(), forbidden.retryable), ("infrastructure_forbidden", false));
    }
}
