//! CADF events (DMTF DSP0262) of clusters, identical to those of Magnum's conductor, so that consumers of Magnum's
//! events can read ours (contract magnum-v1 section 8.1). Events of certificates are ours: Magnum has none.

use jeroboam_model::OperationKind;
use jeroboam_store::Notification;
use jeroboam_store::notification::{CertificateFigure, ClusterFigure, Deed};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

/// Type URI of events.
const EVENT: &str = "http://schemas.dmtf.org/cloud/audit/1.0/event";
/// Type URI of users in CADF's taxonomy.
const USER: &str = "service/security/account/user";
/// Type URI of clusters and, as in Magnum, of the service that observed the event.
const CLUSTER: &str = "service/magnum/cluster";

/// Type URI of certificates.
const CERTIFICATE: &str = "service/magnum/certificate";

/// Kind of object, and action. Clusters have three actions; everything except create and delete is an update.
#[must_use]
pub fn action(deed: &Deed) -> (&'static str, &'static str) {
    match deed {
        Deed::Operation(OperationKind::Create) => ("cluster", "create"),
        Deed::Operation(OperationKind::Delete) => ("cluster", "delete"),
        Deed::Operation(_) => ("cluster", "update"),
        Deed::Certificate(_) => ("certificate", "create"),
    }
}

/// The CADF event of a notification.
#[must_use]
pub fn event(told: &Notification, host: &str) -> Value {
    json!({
        "typeURI": EVENT,
        "eventType": "activity",
        "id": told.id.to_string(),
        // In Python's format: %z has no colon.
        "eventTime": told.at.strftime("%Y-%m-%dT%H:%M:%S.%6f+0000").to_string(),
        "action": action(&told.deed).1,
        "outcome": told.stage.to_string(),
        "initiator": {
            "typeURI": USER,
            "id": told.user_id,
            "user_id": told.user_id,
            "project_id": told.project_id,
            "request_id": told.request_id,
        },
        "target": target(told),
        // Derived from the host name, so that it stays the same.
        "observer": {"typeURI": CLUSTER, "id": Uuid::new_v5(&Uuid::NAMESPACE_DNS, host.as_bytes()).to_string()},
    })
}

fn target(told: &Notification) -> Value {
    let of_cluster = json!({"name": "cluster_data", "typeURI": CLUSTER, "content": content(&told.cluster)});
    match &told.deed {
        Deed::Operation(_) => json!({
            "typeURI": CLUSTER,
            "id": told.cluster.uuid.to_string(),
            "name": told.cluster.name,
            "attachments": [of_cluster],
        }),
        Deed::Certificate(certificate) => json!({
            "typeURI": CERTIFICATE,
            "id": certificate.serial,
            "name": certificate.subject,
            "attachments": [
                {"name": "certificate_data", "typeURI": CERTIFICATE, "content": certificate_content(told, certificate)},
                of_cluster,
            ],
        }),
    }
}

fn certificate_content(told: &Notification, certificate: &CertificateFigure) -> Value {
    json!({
        "cluster_uuid": told.cluster.uuid.to_string(),
        "ca_cert_type": certificate.authority,
        "serial": certificate.serial,
        "subject": certificate.subject,
        "created_at": time(certificate.created_at),
        "expires_at": time(certificate.expires_at),
    })
}

fn content(cluster: &ClusterFigure) -> Value {
    json!({
        "status": cluster.status.to_string(),
        "status_reason": cluster.status_reason,
        "project_id": cluster.project_id,
        "created_at": time(cluster.created_at),
        "updated_at": cluster.updated_at.map(time),
        "cluster_template_id": cluster.template.to_string(),
        "keypair": cluster.keypair,
        // The colon is Magnum's mistake, which consumers rely on.
        "docker_volume_size:": cluster.docker_volume_size,
        "labels": cluster.labels,
        "master_flavor_id": cluster.master_flavor_id,
        "flavor_id": cluster.flavor_id,
        "stack_id": cluster.stack_id,
        "health_status": cluster.health,
        "create_timeout": cluster.create_timeout,
        "api_address": cluster.api_address,
        "discovery_url": cluster.discovery_url,
        "node_addresses": cluster.node_addresses,
        "master_addresses": cluster.master_addresses,
        "node_count": cluster.node_count,
        "master_count": cluster.master_count,
    })
}

fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%6f+00:00").to_string()
}
