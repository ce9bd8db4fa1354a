//! The one public error: a stable code, who must act, what to do. And how it looks in the bodies of v1.

use serde::{Deserialize, Serialize};

use crate::code::Code;
use crate::v1::Link;

/// Who can do something about an error.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, strum::Display, strum::EnumString, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum WhoMustAct {
    /// Whoever sent the request.
    User,
    /// Whoever administers the project (quotas, roles).
    ProjectAdmin,
    /// Whoever runs Jeroboam.
    Operator,
    /// The infrastructure below; it usually passes.
    Cloud,
}

/// Why an operation's step failed or is blocked, for people and programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Cause {
    /// Stable code, for example `infrastructure_unavailable`. Listed in `docs/errors.md`.
    pub code: String,
    /// Who must act.
    // Causes that were stored before are read as well.
    #[serde(alias = "whose_move")]
    pub who_must_act: WhoMustAct,
    /// What was being done and what went wrong.
    pub message: String,
    /// The underlying error, in its own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What to do about it.
    pub action: String,
    /// Whether trying again may help without anything being changed.
    pub retryable: bool,
}

impl Cause {
    /// What went wrong; `None` when a release that has other codes said so.
    #[must_use]
    pub fn kind(&self) -> Option<Code> {
        self.code.parse().ok()
    }
}

/// Body of an error answer: Magnum's of today (`errors`, contract magnum-v1 section 3.1) and of 2015
/// (`error_message`, contract workloads-2015 section 0.6) in one, so that clients of both times print the message.
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
    /// The HTTP status.
    pub status: u16,
    /// `detail` up to its first full stop: what the stock CLI prints.
    pub title: String,
    /// The whole message.
    pub detail: String,
    /// Where to read more; empty but for errors about microversions.
    pub links: Vec<Link>,
    /// Ours: the stable code of the error, for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Ours: the field of the request that the error is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}
