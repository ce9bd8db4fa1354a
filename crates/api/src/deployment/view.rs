//! The deployment in responses.

use jeroboam_store::{Deployment, Instance};
use jeroboam_types::v1;

use crate::http::reply;

pub(super) fn view(deployment: Deployment, instances: Vec<Instance>) -> v1::Deployment {
    let hold = deployment.hold.map(|hold| v1::DeploymentHold {
        since: reply::time(hold.since),
        action: format!("{}.", hold.cause().action),
        evidence: hold.evidence,
    });
    let instances = instances.into_iter().map(|instance| v1::Instance {
        uuid: instance.uuid,
        host: instance.host,
        started_at: reply::time(instance.started_at),
    });
    v1::Deployment { id: deployment.id, number: deployment.number, hold, instances: instances.collect() }
}
