//! The steps of a plan, and what they disrupt.

use jeroboam_conductor::observe::{Observer, desired, obstacle};
use jeroboam_model::Cause;
use jeroboam_model::plan::{self, Desired, Observed, Step};
use jeroboam_store::Asked;
use jeroboam_types::operation::{Operation, OperationKind};
use jeroboam_types::plan::{Plan, PlannedStep};
use jiff::Timestamp;
use uuid::Uuid;

/// The desired state and the observed state.
pub(super) struct Look {
    desired: Desired,
    pub(super) observed: Observed,
}

impl Look {
    /// Observes as the conductor will when it runs the operation.
    pub(super) async fn at(observer: &Observer, asked: &Asked) -> Result<Self, Cause> {
        let Operation { kind, replace_data, .. } = asked.operation;
        let observed = observer.look(kind, &asked.record, &asked.secrets).await?;
        Ok(Self { desired: desired(kind, replace_data, &asked.record), observed })
    }

    fn steps(&self, kind: OperationKind) -> Vec<PlannedStep> {
        let planned = |step: Step| PlannedStep {
            key: step.action.key(),
            title: step.action.title(),
            stage: step.stage,
            because: step.because,
            disturbs: plan::disturbances(&step.action, kind, &self.desired, &self.observed),
        };
        plan::forecast(&self.desired, &self.observed).into_iter().map(planned).collect()
    }
}

/// The plan as a document. Without `asked` no operation would start.
pub(super) fn plan(asked: Option<&Asked>, look: Option<&Look>, under_way: Option<Uuid>, id: String) -> Plan {
    let operation = asked.map(|asked| &asked.operation);
    let kind = operation.map(|operation| operation.kind);
    let (steps, obstacle) = match (operation, look) {
        (Some(operation), Some(look)) => {
            (look.steps(operation.kind), obstacle(operation.replace_data, &look.desired, &look.observed))
        }
        _ => (Vec::new(), None),
    };
    Plan {
        id,
        made_at: Timestamp::now(),
        kind,
        cluster_name: operation.map(|operation| operation.cluster_name.clone()),
        cluster_uuid: asked.filter(|asked| !is_new(asked)).map(|asked| asked.record.cluster.uuid),
        under_way,
        waits_for: asked.map(|asked| asked.waits_for.clone()).unwrap_or_default(),
        disturbs_at_once: kind.map(plan::disturbances_at_once).unwrap_or_default(),
        steps,
        obstacle,
    }
}

/// Whether this request creates the cluster.
pub(super) fn is_new(asked: &Asked) -> bool {
    asked.operation.kind == OperationKind::Create && asked.operation.retry_of.is_none()
}
