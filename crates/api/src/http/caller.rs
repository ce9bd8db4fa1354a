//! The caller: what handlers know of a request besides its path, query and body.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;
use jeroboam_identity::Auth;
use jeroboam_identity::policy::{Policy, PolicyTarget};
use jeroboam_model::validate::Limits;
use jeroboam_model::{OperationKind, QuotaDefaults};
use jeroboam_store::{NewOperation, Scope};
use jiff::SignedDuration;

use super::{ApiError, Result, Version};

/// Timeout of operations for which users set none. Long enough for slow clouds, and nothing hangs forever.
const USUAL_DEADLINE: SignedDuration = SignedDuration::from_hours(1);
/// The same for a creation whose user asked for no limit.
const LONGEST_DEADLINE: SignedDuration = SignedDuration::from_hours(24);

/// Who sent a request, and in which microversion.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The user, project and roles of the token.
    pub(crate) auth: Auth,
    /// The microversion of request and response.
    pub(crate) version: Version,
    /// Id of the request.
    pub(crate) request_id: String,
    /// Scheme, host and port for links.
    pub(crate) base: String,
    /// The policy as it was when the request arrived.
    pub(crate) policy: Arc<Policy>,
    /// Limits for projects without quotas of their own.
    pub(crate) quotas: QuotaDefaults,
    /// How large one cluster may be.
    pub(crate) limits: Limits,
}

impl Caller {
    /// Whether the caller is an administrator by the operator's policy.
    pub(crate) fn is_admin(&self) -> bool {
        self.policy.is_admin(&self.auth)
    }

    /// The projects whose resources the caller sees, where no rule decides that: for an administrator all.
    pub(crate) fn scope(&self) -> Scope {
        if self.is_admin() { Scope::All } else { self.own_scope() }
    }

    /// The projects whose resources the caller sees for `rule`: for an administrator all, if the rule's companion for
    /// all projects allows it; for others only their own, whatever the companion says. So an old policy file that
    /// allows it for "admin or owner" shows nobody the resources of others (contract magnum-v1 section 5.2).
    ///
    /// # Errors
    /// When the companion refuses an administrator.
    pub(crate) fn scope_of(&self, rule: &str) -> Result<Scope> {
        if !self.is_admin() {
            return Ok(self.own_scope());
        }
        let one = if rule.ends_with(":get") { "_one" } else { "" };
        let companion = format!("{rule}{one}_all_projects");
        if self.policy.has(&companion) {
            self.may(&companion)?;
        }
        Ok(Scope::All)
    }

    /// The caller's own project only.
    pub(crate) fn own_scope(&self) -> Scope {
        Scope::Project(self.auth.project_id.clone())
    }

    /// Enforces a rule on the caller's own project.
    pub(crate) fn may(&self, rule: &str) -> Result<()> {
        Ok(self.policy.enforce(rule, &self.auth, PolicyTarget::own(&self.auth))?)
    }

    /// Enforces a rule on a resource of this project and user.
    pub(crate) fn may_on(&self, rule: &str, project_id: &str, user_id: &str) -> Result<()> {
        Ok(self.policy.enforce(rule, &self.auth, PolicyTarget { project_id, user_id })?)
    }

    /// An operation that the caller requests, on a cluster of `project_id`. It belongs to the cluster's project, so
    /// that its users see what an admin does to their cluster.
    pub(crate) fn operation(&self, kind: OperationKind, project_id: &str) -> NewOperation {
        NewOperation {
            kind,
            project_id: project_id.to_owned(),
            user_id: self.auth.user_id.clone(),
            request_id: self.request_id.clone(),
            deadline: Some(USUAL_DEADLINE),
            quotas: self.quotas,
            limits: self.limits,
            replace_data: false,
        }
    }

    /// The operation that creates a cluster within `minutes`; `None` or 0 means that the user sets no limit.
    pub(crate) fn creation(&self, minutes: Option<u32>) -> NewOperation {
        let deadline = match minutes {
            None | Some(0) => LONGEST_DEADLINE,
            Some(minutes) => SignedDuration::from_mins(i64::from(minutes)),
        };
        NewOperation { deadline: Some(deadline), ..self.operation(OperationKind::Create, &self.auth.project_id) }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let missing = || ApiError::internal("a route that needs a caller is outside of the gate");
        parts.extensions.get::<Self>().cloned().ok_or_else(missing)
    }
}
