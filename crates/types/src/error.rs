//! The public error: a stable code, who must act, and the action. Also its format in responses of v1.

use serde::{Deserialize, Serialize};

use crate::code::Code;
use crate::v1::Link;

/// Who must act to resolve an error.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, strum::Display, strum::EnumString, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum WhoMustAct {
    /// The user who sent the request.
    User,
    /// An administrator of the project (quotas, roles).
    ProjectAdmin,
    /// The operator of Jeroboam.
    Operator,
    /// The infrastructure; usually the problem is temporary.
    Cloud,
}

/// Why an operation's step failed or is blocked, for people and programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Cause {
    /// Stable code, for example `infrastructure_unavailable`. Listed in `docs/errors.md`.
    pub code: String,
    /// Who must act.
    // The alias is for causes that earlier releases stored.
    #[serde(alias = "whose_move")]
    pub who_must_act: WhoMustAct,
    /// What was attempted and what went wrong.
    pub message: String,
    /// The underlying error, verbatim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What to do to resolve it.
    pub action: String,
    /// Whether a retry may succeed without any change.
    pub retryable: bool,
}

impl Cause {
    /// The code as an enum; `None` if another release with other codes wrote it.
    #[must_use]
    pub fn kind(&self) -> Option<Code> {
        self.code.parse().ok()
    }
}

/// Body of an error response: current Magnum's format (`errors`, contract magnum-v1 section 3.1) and that of 2015
/// (`error_message`, contract workloads-2015 section 0.6) in one, so that clients of both print the message.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ErrorBody {
    /// Exactly one entry.
    pub errors: Vec<ErrorEntry>,
    /// JSON text of `{"faultcode", "faultstring", "debuginfo"}`.
    pub error_message: String,
}

/// An entry of [`ErrorBody`].
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ErrorEntry {
    /// The request's id, as in the header `x-openstack-request-id`.
    pub request_id: String,
    /// `client`, `server`, or empty for errors of the router.
    pub code: String,
    /// HTTP status code.
    pub status: u16,
    /// `detail` up to its first full stop: what the stock CLI prints.
    pub title: String,
    /// The whole message.
    pub detail: String,
    /// Links to more information; empty except for errors about microversions.
    pub links: Vec<Link>,
    /// Jeroboam's extension: the stable code of the error, for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Jeroboam's extension: the field of the request that the error is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}
