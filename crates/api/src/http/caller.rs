//! Who asks and how: what handlers get to know of a request besides its path, query and body.

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

/// How long operations may take that users give no time for. Long enough for slow clouds, and nothing hangs for ever.
const USUAL_DEADLINE: SignedDuration = SignedDuration::from_hours(1);
/// The same for a creation whose user said that there be no limit.
const LONGEST_DEADLINE: SignedDuration = SignedDuration::from_hours(24);

/// Who asks and how.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// What the token stands for.
    pub(crate) auth: Auth,
    /// The microversion of request and answer.
    pub(crate) version: Version,
    /// Id of the request.
    pub(crate) request_id: String,
    /// Scheme, host and port for links.
    pub(crate) base: String,
    /// The rules as they were when the request came.
    pub(crate) policy: Arc<Policy>,
    /// What projects may have that have no quotas of their own.
    pub(crate) quotas: QuotaDefaults,
    /// How large one cluster may be.
    pub(crate) limits: Limits,
}

impl Caller {
    /// Whether the caller is an administrator by the operator's policy.
    pub(crate) fn is_admin(&self) -> bool {
        self.policy.is_admin(&self.auth)
    }

    /// Whose things the caller sees, where no rule of its own says it: an administrator everybody's.
    pub(crate) fn scope(&self) -> Scope {
        if self.is_admin() { Scope::All } else { self.own_scope() }
    }

    /// Whose things the caller sees that wants to do `rule`: an administrator everybody's, if the rule's companion for
    /// all projects lets it; everybody else those of its own project, whatever the companion says. So an old file that
    /// gives it to "admin or owner" shows nobody other people's things (contract magnum-v1 section 5.2).
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

    /// The things of the caller's own project.
    pub(crate) fn own_scope(&self) -> Scope {
        Scope::Project(self.auth.project_id.clone())
    }

    /// Asks a rule about the caller's own project.
    pub(crate) fn may(&self, rule: &str) -> Result<()> {
        Ok(self.policy.enforce(rule, &self.auth, PolicyTarget::own(&self.auth))?)
    }

    /// Asks a rule about somebody's thing.
    pub(crate) fn may_on(&self, rule: &str, project_id: &str, user_id: &str) -> Result<()> {
        Ok(self.policy.enforce(rule, &self.auth, PolicyTarget { project_id, user_id })?)
    }

    /// An operation that the caller asks for, on a cluster of `project_id`. It belongs to the cluster's project, so
    /// that its people see what an admin does to their cluster.
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

    /// The operation that creates a cluster within `minutes`; none or 0 is no limit of the user's.
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
