use std::sync::{Arc, Mutex};

use jeroboam_model::quota::QuotaDefaults;
use jeroboam_model::validate::Limits;
use jeroboam_model::{Cause, CauseExt, Cluster, ClusterTemplate, Code, EngineKind, NodeGroup, NodeRole, OperationKind};
use jeroboam_notify::{Notifier, Settings};
use jeroboam_pki::EncryptionKey;
use jeroboam_store::{ClusterFacts, NewOperation, Outcome, Scope, Store};
use jiff::{SignedDuration, Timestamp};
use lapin::options::ExchangeDeclareOptions;
use lapin::types::FieldTable;
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::broker::{Broker, PASSWORD};

/// A store, a broker, and a notifier between them.
struct Case {
    store: Store,
    template: ClusterTemplate,
    broker: Broker,
    running: Option<(CancellationToken, JoinHandle<()>)>,
    _folder: tempfile::TempDir,
}

impl Case {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("test.db").display());
        let store = Store::connect(&url, EncryptionKey::generate().unwrap()).await.unwrap();
        let template = ClusterTemplate::new(EngineKind::KUBERNETES, "debian-13", "p", "admin", Timestamp::now());
        store.create_template(&template).await.unwrap();
        let template = store.template(&Scope::All, &template.uuid.to_string()).await.unwrap();
        Self { store, template, broker: Broker::new(), running: None, _folder: folder }
    }

    async fn deliver(&mut self) {
        let settings = Settings {
            url: self.broker.url(),
            exchange: "magnum".to_owned(),
            durable: true,
            host: "host-1".to_owned(),
        };
        let shutdown = CancellationToken::new();
        let notifier = Notifier::new(self.store.clone(), settings).await.unwrap();
        self.running = Some((shutdown.clone(), tokio::spawn(notifier.run(shutdown))));
    }

    /// Stops the notifier, as at the end of the process.
    async fn stop_delivering(&mut self) {
        let (shutdown, task) = self.running.take().unwrap();
        shutdown.cancel();
        task.await.unwrap();
    }

    /// Requests a cluster, and finishes its creation.
    async fn create(&self, name: &str, outcome: Outcome) -> Cluster {
        let cluster = Cluster {
            engine_version: Some("v1.37.2".to_owned()),
            ..Cluster::of(&self.template, name, "p", "user", Timestamp::now())
        };
        let groups =
            [NodeRole::Master, NodeRole::Worker].map(|role| NodeGroup::default_of(&cluster, &self.template, role, 1));
        self.store.create_cluster(&self.template, &cluster, &groups, asked(OperationKind::Create)).await.unwrap();
        self.end(outcome).await;
        cluster
    }

    async fn end(&self, outcome: Outcome) {
        let lease = SignedDuration::from_mins(1);
        let claim = self.store.claim("test", lease, Timestamp::now()).await.unwrap().unwrap();
        self.store.held(&claim).finish(outcome).await.unwrap();
    }
}

fn asked(kind: OperationKind) -> NewOperation {
    NewOperation {
        kind,
        project_id: "p".to_owned(),
        user_id: "user".to_owned(),
        request_id: "req-1".to_owned(),
        deadline: None,
        quotas: QuotaDefaults::default(),
        limits: Limits::default(),
        replace_data: false,
    }
}

fn succeeded() -> Outcome {
    Outcome::Succeeded { facts: ClusterFacts::default() }
}

/// Event type, outcome and name of the cluster.
fn told(message: &Value) -> (&str, &str, &str) {
    let text = |value: &'static str| message.pointer(value).unwrap().as_str().unwrap();
    (text("/event_type"), text("/payload/outcome"), text("/payload/target/name"))
}

// Covers: R351.
#[tokio::test]
async fn every_operation_is_told_at_its_begin_and_its_end() {
    let mut case = Case::new().await;
    case.broker.start().await;
    case.deliver().await;
    let cluster = case.create("prod", succeeded()).await;
    let record = case.store.cluster_by_uuid(&Scope::All, cluster.uuid).await.unwrap();
    let group = record.groups[1].uuid;
    case.store.request_scale(record.id(), group, 2, &[], asked(OperationKind::Scale)).await.unwrap();
    case.end(Outcome::Failed(Cause::user(Code::FlavorUnknown, "There is no such flavor", "Use another."))).await;
    case.store.request_delete(record.id(), asked(OperationKind::Delete)).await.unwrap();
    case.end(succeeded()).await;
    let uuid = cluster.uuid.to_string();
    // The queues exist after the first delivery.
    arrived(&case.store).await;

    let mut info = case.broker.read("notifications.info").await;
    for (event_type, outcome, status) in [
        ("magnum.cluster.create", "pending", "CREATE_IN_PROGRESS"),
        ("magnum.cluster.create", "success", "CREATE_COMPLETE"),
        ("magnum.cluster.update", "pending", "UPDATE_IN_PROGRESS"),
        ("magnum.cluster.delete", "pending", "DELETE_IN_PROGRESS"),
        ("magnum.cluster.delete", "success", "DELETE_COMPLETE"),
    ] {
        let message = info.next().await;
        assert_eq!(told(&message), (event_type, outcome, "prod"));
        assert_eq!(
            (&message["priority"], &message["publisher_id"]),
            (&"INFO".into(), &"container-infra.host-1".into())
        );
        assert_eq!(message["payload"]["target"]["id"], uuid);
        assert_eq!(message["payload"]["initiator"]["user_id"], "user");
        assert_eq!(message["payload"]["target"]["attachments"][0]["content"]["status"], status);
    }
    let message = case.broker.read("notifications.error").await.next().await;
    assert_eq!(told(&message), ("magnum.cluster.update", "failure", "prod"));
    assert_eq!(message["priority"], "ERROR");
    case.stop_delivering().await;
}

/// Waits until all notifications are delivered.
async fn arrived(store: &Store) {
    let mut looks = tokio::time::interval(std::time::Duration::from_millis(20));
    let all = async {
        while !store.waiting_notifications(1).await.unwrap().is_empty() {
            looks.tick().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), all).await.expect("the bus takes all notifications");
}

#[tokio::test]
async fn a_bus_that_is_away_loses_nothing_and_holds_nothing_up() {
    let log = Log::begin();
    let mut case = Case::new().await;
    // There is no broker yet, and clusters are created nevertheless.
    case.deliver().await;
    case.create("before", succeeded()).await;
    assert_eq!(case.store.waiting_notifications(10).await.unwrap().len(), 2);
    case.broker.start().await;
    arrived(&case.store).await;

    // The bus stops in between, then this process does, and another one continues.
    case.broker.stop();
    case.create("meanwhile", succeeded()).await;
    case.stop_delivering().await;
    case.create("after", succeeded()).await;
    assert_eq!(case.store.waiting_notifications(10).await.unwrap().len(), 4);
    case.broker.start().await;
    case.deliver().await;
    arrived(&case.store).await;

    let mut info = case.broker.read("notifications.info").await;
    let mut seen = Vec::new();
    for name in ["before", "before", "meanwhile", "meanwhile", "after", "after"] {
        let message = info.next().await;
        assert_eq!(told(&message).2, name);
        seen.push(message["message_id"].as_str().unwrap().to_owned());
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 6, "every one has an id of its own");
    case.stop_delivering().await;
    let log = log.text();
    assert!(log.contains("notifications wait"), "{log}");
    assert!(!log.contains(PASSWORD), "{log}");
}

#[tokio::test]
async fn an_exchange_that_is_there_is_used_as_it_is() {
    let mut case = Case::new().await;
    case.broker.start().await;
    let connection = case.broker.connect().await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    // As oslo.messaging declares it without durable queues.
    let options = ExchangeDeclareOptions::default();
    let topic = lapin::ExchangeKind::Topic;
    channel.exchange_declare("magnum".into(), topic, options, FieldTable::default()).await.unwrap();
    case.deliver().await;
    case.create("prod", succeeded()).await;
    arrived(&case.store).await;
    let message = case.broker.read("notifications.info").await.next().await;
    assert_eq!(told(&message), ("magnum.cluster.create", "pending", "prod"));
    case.stop_delivering().await;
}

/// Everything that this process logs from now on, at every level.
#[derive(Clone)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn begin() -> Self {
        let text = Arc::new(Mutex::new(Vec::new()));
        let writer = Writer(Arc::clone(&text));
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .init();
        Self(text)
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

#[derive(Clone)]
struct Writer(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
