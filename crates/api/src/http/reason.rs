//! The stable codes of error answers.

use std::fmt;

use jeroboam_infra::catalog::Kind;
use jeroboam_model::Cause;

/// Why a request was refused, for programs: member `reason` of an error's body. Listed in `docs/errors.md`; the meaning
/// of one never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The server's own reasons.
    Api(ApiReason),
    /// Something that a request names at the infrastructure cannot be used: `image_unknown`, `flavor_ambiguous`.
    Named(Kind, Unusable),
    /// The code of a cause (crates/types/src/code.rs). As text, since agents of another release may send others.
    Cause(String),
    /// The HTTP status in words, where the HTTP library refused the request before it reached a handler.
    Http(&'static str),
}

/// Reasons of the API itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display, strum::EnumIter)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum ApiReason {
    /// Several things have the name.
    AmbiguousName,
    /// The body is larger than the limit.
    BodyTooLarge,
    /// The body took too long to arrive.
    BodyTooSlow,
    /// The cluster's authority does not exist yet.
    CertificateNotThereYet,
    /// Another request changed what this one was based on, several times in a row.
    ChangedMeanwhile,
    /// The cluster has no API yet.
    ClusterNotReachableYet,
    /// The cluster's API does not answer.
    ClusterUnreachable,
    /// This release does not offer the call.
    ComesLater,
    /// A command in a container did not end in time.
    CommandTimedOut,
    /// The request contradicts what exists.
    Conflict,
    /// The infrastructure gives clusters no cloud credentials.
    CredentialsNotSupported,
    /// The database is busy; nothing was changed.
    DatabaseBusy,
    /// The database cannot be written; nothing was changed.
    DatabaseUnwritable,
    /// The database may be an older one, or another server may use a copy of it.
    DeploymentHeld,
    /// The request was a dry run; no client sees this.
    DryRun,
    /// Kubernetes or Docker refused the request.
    EngineRefused,
    /// The policy does not allow it.
    Forbidden,
    /// Path and headers are larger than the limit.
    HeadTooLarge,
    /// The Idempotency-Key was used with another request.
    IdempotencyKeyReused,
    /// A request with this Idempotency-Key is in progress.
    IdempotencyKeyTaken,
    /// The answer of the first request with this Idempotency-Key is unknown.
    IdempotencyKeyUnanswered,
    /// The path names no object.
    IdentMissing,
    /// The identity service does not answer.
    IdentityUnavailable,
    /// The image was built for another release.
    ImageOutdated,
    /// Something else still uses it.
    InUse,
    /// An unexpected error in the server.
    InternalError,
    /// A field has a value that is not allowed; `field` names it.
    InvalidInput,
    /// The body is not the JSON that is expected.
    MalformedBody,
    /// Path or query are not valid UTF-8.
    MalformedPath,
    /// The path does not offer the method.
    MethodNotAllowed,
    /// The version header cannot be parsed.
    MicroversionMalformed,
    /// The operation needs a later microversion.
    MicroversionTooOld,
    /// The microversion is not offered.
    MicroversionUnsupported,
    /// The cluster has no such certificate authority.
    NoSuchAuthority,
    /// Nothing exists under the path, or not in the microversion.
    NoSuchRoute,
    /// The client does not accept JSON.
    NotAcceptable,
    /// The object does not exist, or belongs to another project.
    NotFound,
    /// What the plan was made from has changed.
    PlanOutdated,
    /// The object is not in the state that `If-Match` names.
    PreconditionFailed,
    /// The project's quota is used up.
    QuotaReached,
    /// The status does not allow the request.
    StatusRefuses,
    /// The template is hidden.
    TemplateHidden,
    /// The cluster has no certificates.
    TlsDisabled,
    /// The token has no project scope.
    TokenWithoutProject,
    /// The answer took too long.
    TooSlow,
    /// No valid token.
    Unauthorized,
    /// The body is not `application/json`.
    UnsupportedMediaType,
    /// The upgrade to this version is not offered.
    UpgradeNotOffered,
}

/// What keeps something that was looked up by name from being used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display, strum::EnumIter)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum Unusable {
    /// Nothing has the name.
    Unknown,
    /// Several have it.
    Ambiguous,
    /// It belongs to somebody else.
    Forbidden,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Api(reason) => reason.fmt(f),
            Self::Named(kind, unusable) => write!(f, "{}_{unusable}", kind.to_string().replace(' ', "_")),
            Self::Cause(code) => f.write_str(code),
            Self::Http(status) => f.write_str(&status.to_ascii_lowercase().replace([' ', '-'], "_")),
        }
    }
}

impl From<ApiReason> for Reason {
    fn from(reason: ApiReason) -> Self {
        Self::Api(reason)
    }
}

impl From<&Cause> for Reason {
    fn from(cause: &Cause) -> Self {
        Self::Cause(cause.code.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use strum::IntoEnumIterator as _;

    use super::*;

    /// The heading of `docs/errors.md` under which the reasons stand.
    const HEADING: &str = "\n## Answers of the API\n";

    #[test]
    fn every_reason_is_documented_and_nothing_else() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors.md");
        let page = std::fs::read_to_string(path).unwrap();
        let part = page.split_once(HEADING).unwrap().1.split("\n## ").next().unwrap();
        let in_docs: BTreeSet<String> = part
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split('`').next().map(ToOwned::to_owned))
            .collect();
        let ours = ApiReason::iter().filter(|reason| *reason != ApiReason::DryRun).map(|reason| reason.to_string());
        let named = Kind::iter()
            .flat_map(|kind| Unusable::iter().map(move |unusable| Reason::Named(kind, unusable).to_string()));
        assert_eq!(in_docs, ours.chain(named).collect());
    }
}
