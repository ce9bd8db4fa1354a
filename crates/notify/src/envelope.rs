//! Messages in the format of oslo.messaging 2.0, so that its listeners (Ceilometer, Aodh and others) can read them.

use jeroboam_store::Notification;
use jeroboam_store::notification::Stage;
use serde_json::{Value, json};

use crate::cadf;

/// Default topic of notifications.
const TOPIC: &str = "notifications";

/// Priority of a message, which selects the queue of the topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// Success.
    Info,
    /// Failure.
    Error,
}

impl Priority {
    /// All priorities that we use.
    pub const ALL: [Self; 2] = [Self::Info, Self::Error];

    fn of(stage: Stage) -> Self {
        match stage {
            Stage::Pending | Stage::Success => Self::Info,
            Stage::Failure => Self::Error,
        }
    }

    /// Routing key, and name of the queue.
    #[must_use]
    pub fn queue(self) -> String {
        match self {
            Self::Info => format!("{TOPIC}.info"),
            Self::Error => format!("{TOPIC}.error"),
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Info => "INFO",
            Self::Error => "ERROR",
        }
    }
}

/// A message for the bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Priority, which selects the queue.
    pub priority: Priority,
    /// The envelope as JSON.
    pub body: Vec<u8>,
}

/// A notification as a message of the service on `host`.
#[must_use]
pub fn message(told: &Notification, host: &str) -> Message {
    let priority = Priority::of(told.stage);
    let inner = inner(told, priority, host);
    // The message is a JSON string in the envelope.
    let envelope = json!({"oslo.version": "2.0", "oslo.message": inner.to_string()});
    Message { priority, body: envelope.to_string().into_bytes() }
}

fn inner(told: &Notification, priority: Priority, host: &str) -> Value {
    let (noun, action) = cadf::action(&told.deed);
    json!({
        "message_id": told.id.to_string(),
        // Listeners skip ids that they have seen, so a message that is sent again keeps its id.
        "_unique_id": told.id.simple().to_string(),
        "publisher_id": format!("container-infra.{host}"),
        "event_type": format!("magnum.{noun}.{action}"),
        "priority": priority.word(),
        // Python's format of a time without a zone; UTC.
        "timestamp": told.at.strftime("%Y-%m-%d %H:%M:%S.%6f").to_string(),
        "payload": cadf::event(told, host),
        "_context_request_id": told.request_id,
        "_context_user_id": told.user_id,
        "_context_project_id": told.project_id,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jeroboam_model::{OperationKind, Status};
    use jeroboam_store::notification::{CertificateFigure, ClusterFigure, Deed};
    use uuid::Uuid;

    use super::*;

    fn told(kind: OperationKind, stage: Stage) -> Notification {
        let id = |byte| Uuid::from_bytes([byte; 16]);
        Notification {
            id: id(1),
            at: "2026-07-01T12:34:56.123456789Z".parse().unwrap(),
            deed: Deed::Operation(kind),
            stage,
            request_id: "req-1".into(),
            user_id: "user".into(),
            project_id: "project".into(),
            cluster: ClusterFigure {
                uuid: id(2),
                name: "prod".into(),
                status: Status::in_progress(kind).unwrap(),
                status_reason: None,
                project_id: "project".into(),
                created_at: "2026-07-01T12:00:00Z".parse().unwrap(),
                updated_at: None,
                template: id(3),
                keypair: None,
                docker_volume_size: Some(10),
                labels: BTreeMap::from([("kube_tag".into(), "v1.37.2".into())]),
                master_flavor_id: None,
                flavor_id: Some("m1.small".into()),
                stack_id: None,
                health: None,
                create_timeout: Some(60),
                api_address: None,
                discovery_url: None,
                node_addresses: vec!["10.0.0.11".into()],
                master_addresses: Vec::new(),
                node_count: 2,
                master_count: 1,
            },
        }
    }

    fn open(message: &Message) -> Value {
        let envelope: Value = serde_json::from_slice(&message.body).unwrap();
        assert_eq!(envelope["oslo.version"], "2.0");
        serde_json::from_str(envelope["oslo.message"].as_str().unwrap()).unwrap()
    }

    #[test]
    fn a_message_says_what_the_contract_says() {
        let inner = open(&message(&told(OperationKind::Create, Stage::Pending), "host-1"));
        assert_eq!(inner["event_type"], "magnum.cluster.create");
        assert_eq!(inner["publisher_id"], "container-infra.host-1");
        assert_eq!(inner["timestamp"], "2026-07-01 12:34:56.123456");
        let event = &inner["payload"];
        assert_eq!(event["typeURI"], "http://schemas.dmtf.org/cloud/audit/1.0/event");
        assert_eq!(
            (&event["eventType"], &event["action"], &event["outcome"]),
            (&json!("activity"), &json!("create"), &json!("pending"))
        );
        assert_eq!(event["eventTime"], "2026-07-01T12:34:56.123456+0000");
        assert_eq!(event["initiator"]["typeURI"], "service/security/account/user");
        assert_eq!(
            (&event["initiator"]["user_id"], &event["initiator"]["project_id"]),
            (&json!("user"), &json!("project"))
        );
        assert_eq!(event["observer"]["typeURI"], "service/magnum/cluster");
        let target = &event["target"];
        assert_eq!((&target["id"], &target["name"]), (&json!(Uuid::from_bytes([2; 16])), &json!("prod")));
        let attachment = &target["attachments"][0];
        assert_eq!(
            (&attachment["name"], &attachment["typeURI"]),
            (&json!("cluster_data"), &json!("service/magnum/cluster"))
        );
        let content: Vec<&str> = attachment["content"].as_object().unwrap().keys().map(String::as_str).collect();
        let mut expected = vec![
            "status",
            "status_reason",
            "project_id",
            "created_at",
            "updated_at",
            "cluster_template_id",
            "keypair",
            "docker_volume_size:",
            "labels",
            "master_flavor_id",
            "flavor_id",
            "stack_id",
            "health_status",
            "create_timeout",
            "api_address",
            "discovery_url",
            "node_addresses",
            "master_addresses",
            "node_count",
            "master_count",
        ];
        let mut content = content;
        content.sort_unstable();
        expected.sort_unstable();
        assert_eq!(content, expected);
    }

    #[test]
    fn failures_are_errors_and_what_is_no_create_or_delete_is_an_update() {
        for (kind, stage, event_type, priority, queue) in [
            (OperationKind::Create, Stage::Success, "create", "INFO", "notifications.info"),
            (OperationKind::Scale, Stage::Pending, "update", "INFO", "notifications.info"),
            (OperationKind::Delete, Stage::Failure, "delete", "ERROR", "notifications.error"),
        ] {
            let message = message(&told(kind, stage), "host-1");
            let inner = open(&message);
            assert_eq!(inner["event_type"], format!("magnum.cluster.{event_type}"));
            assert_eq!((&inner["priority"], message.priority.queue()), (&json!(priority), queue.to_owned()));
            assert_eq!(inner["payload"]["outcome"], stage.to_string());
        }
    }

    #[test]
    fn a_certificate_is_the_target_of_its_own_event() {
        let created_at = "2026-07-01T12:00:00Z".parse().unwrap();
        let figure = CertificateFigure {
            authority: "kubernetes".into(),
            serial: "0abc".into(),
            subject: "O=system:masters, CN=admin".into(),
            created_at,
            expires_at: "2031-06-30T12:00:00Z".parse().unwrap(),
        };
        let told = Notification { deed: Deed::Certificate(figure), ..told(OperationKind::Create, Stage::Success) };
        let message = message(&told, "host-1");
        assert_eq!(message.priority, Priority::Info);
        let inner = open(&message);
        assert_eq!(inner["event_type"], "magnum.certificate.create");
        let event = &inner["payload"];
        assert_eq!((&event["action"], &event["outcome"]), (&json!("create"), &json!("success")));
        assert_eq!(event["initiator"]["user_id"], "user");
        let target = &event["target"];
        assert_eq!((&target["typeURI"], &target["id"]), (&json!("service/magnum/certificate"), &json!("0abc")));
        assert_eq!(
            target["attachments"][0]["content"],
            json!({
                "cluster_uuid": told.cluster.uuid,
                "ca_cert_type": "kubernetes",
                "serial": "0abc",
                "subject": "O=system:masters, CN=admin",
                "created_at": "2026-07-01T12:00:00.000000+00:00",
                "expires_at": "2031-06-30T12:00:00.000000+00:00",
            })
        );
        assert_eq!(target["attachments"][1]["content"]["status"], "CREATE_IN_PROGRESS");
        assert!(!message.body.windows(11).any(|part| part == b"PRIVATE KEY"));
    }
}
