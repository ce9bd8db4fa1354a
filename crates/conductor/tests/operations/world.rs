//! A conductor on the simulated cloud, with a real database of its own.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::time::Duration;

use jeroboam_conductor::agents::{Birth, Home};
use jeroboam_conductor::engines::AccessBook;
use jeroboam_conductor::simulated::Cloud;
use jeroboam_conductor::{Clock, Conductor, Settings};
use jeroboam_infra::simulated::Settings as CloudSettings;
use jeroboam_model::validate::Limits;
use jeroboam_model::{Cluster, ClusterTemplate, EngineKind, NodeGroup, NodeRole, QuotaDefaults, Status, node_group};
use jeroboam_pki::EncryptionKey;
use jeroboam_store::{ClusterId, ClusterRecord, Event, NewOperation, Scope, Store, StoreError, TestDatabase};
use jeroboam_types::operation::{Operation, OperationKind, OperationStatus};
use jiff::{SignedDuration, Timestamp};
use sea_orm::ConnectionTrait;
use tokio::sync::broadcast::Receiver;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The project of all tests.
pub(crate) const PROJECT: &str = "demo";

/// Everything a test needs. What it started is stopped when this is dropped.
pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) cloud: Cloud,
    pub(crate) clock: Clock,
    pub(crate) template: ClusterTemplate,
    stop: CancellationToken,
    database: TestDatabase,
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// A conductor on a runtime of its own. Dropping this stops it at any point.
pub(crate) struct Mortal(Option<tokio::runtime::Runtime>);

impl Mortal {
    pub(crate) fn kill(self) {}
}

impl Drop for Mortal {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Fast enough for thousands of calls.
pub(crate) fn quick() -> CloudSettings {
    CloudSettings {
        seed: 7,
        latency: (Duration::from_millis(1), Duration::from_millis(3)),
        agent_start: Duration::from_millis(5),
        fault_rate: 0.0,
    }
}

impl World {
    pub(crate) async fn new(settings: CloudSettings) -> Self {
        Self::of(settings, EngineKind::KUBERNETES, None).await
    }

    /// A world whose clusters have this engine and this API port.
    pub(crate) async fn of(settings: CloudSettings, engine: EngineKind, apiserver_port: Option<u16>) -> Self {
        let database = TestDatabase::new().await.unwrap();
        let store = Store::connect(database.url(), EncryptionKey::generate().unwrap()).await.unwrap();
        let clock = Clock::tokio();
        let cloud = Cloud::new(settings, store.clone(), clock);
        let template = ClusterTemplate::new(engine, "any", PROJECT, "tester", Timestamp::now());
        let template = ClusterTemplate { apiserver_port, ..template };
        store.create_template(&template).await.unwrap();
        let template = store.template(&Scope::All, &template.uuid.to_string()).await.unwrap();
        Self { store, cloud, clock, template, stop: CancellationToken::new(), database }
    }

    /// Starts a conductor; it runs until the returned token is cancelled or the world is dropped.
    pub(crate) fn conductor(&self, name: &str) -> CancellationToken {
        self.conductor_with(Settings {
            owner: name.into(),
            lease: Duration::from_millis(1500),
            poll: Duration::from_millis(20),
            health_interval: Duration::from_secs(3600),
            ..Settings::default()
        })
    }

    pub(crate) fn conductor_with(&self, settings: Settings) -> CancellationToken {
        let stop = self.stop.child_token();
        tokio::spawn(self.make(settings).run(stop.clone()));
        stop
    }

    /// Starts a conductor that can be killed at any point, as by `kill -9`.
    pub(crate) fn mortal_conductor(&self, name: &str) -> Mortal {
        self.mortal_conductor_for(name, Duration::from_millis(300))
    }

    /// The same with leases of this length. Short leases are lost on a machine that is overloaded.
    pub(crate) fn mortal_conductor_for(&self, name: &str, lease: Duration) -> Mortal {
        let conductor = self.make(Settings {
            owner: name.into(),
            lease,
            poll: Duration::from_millis(20),
            health_interval: Duration::from_secs(3600),
            ..Settings::default()
        });
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.spawn(conductor.run(self.stop.child_token()));
        Mortal(Some(runtime))
    }

    fn make(&self, settings: Settings) -> Arc<Conductor> {
        let birth = Birth::default();
        birth.home_is(Home { server: "https://127.0.0.1:1".into(), ca: String::new() });
        Conductor::new(
            self.store.clone(),
            Arc::new(self.cloud.infra.clone()),
            self.cloud.engines.clone(),
            AccessBook::new(self.store.clone()),
            birth,
            settings,
            self.clock,
        )
    }

    pub(crate) async fn create(&self, name: &str, masters: u32, workers: u32) -> (Uuid, Operation) {
        self.create_within(name, masters, workers, None).await
    }

    pub(crate) async fn create_within(
        &self,
        name: &str,
        masters: u32,
        workers: u32,
        deadline: Option<SignedDuration>,
    ) -> (Uuid, Operation) {
        let new = NewOperation { deadline, ..new_operation(OperationKind::Create) };
        self.create_as(name, masters, workers, new).await
    }

    pub(crate) async fn create_in(&self, project: &str, name: &str, masters: u32, workers: u32) -> (Uuid, Operation) {
        let new = NewOperation { project_id: project.to_owned(), ..new_operation(OperationKind::Create) };
        self.create_as(name, masters, workers, new).await
    }

    async fn create_as(&self, name: &str, masters: u32, workers: u32, new: NewOperation) -> (Uuid, Operation) {
        let cluster = Cluster {
            engine_version: (self.template.engine == EngineKind::KUBERNETES).then(|| "v1.37.2".to_owned()),
            ..Cluster::of(&self.template, name, &new.project_id, "tester", Timestamp::now())
        };
        let groups = [
            NodeGroup::default_of(&cluster, &self.template, NodeRole::Master, masters),
            NodeGroup::default_of(&cluster, &self.template, NodeRole::Worker, workers),
        ];
        let operation = self.store.create_cluster(&self.template, &cluster, &groups, new).await.unwrap();
        (cluster.uuid, operation)
    }

    /// Makes the cluster one of an earlier release, whose version of Kubernetes is no longer supported.
    pub(crate) async fn age(&self, cluster: Uuid) {
        let connection = sea_orm::Database::connect(self.database.url()).await.unwrap();
        let sql = format!("UPDATE clusters SET engine_version = 'v1.20.2' WHERE uuid = '{cluster}'");
        connection.execute_unprepared(&sql).await.unwrap();
    }

    pub(crate) async fn delete(&self, cluster: Uuid) -> Operation {
        self.store.request_delete(ClusterId::assumed(cluster), new_operation(OperationKind::Delete)).await.unwrap()
    }

    pub(crate) async fn retry(&self, cluster: Uuid) -> Operation {
        self.store.request_retry(ClusterId::assumed(cluster), new_operation(OperationKind::Create)).await.unwrap()
    }

    pub(crate) async fn scale(&self, cluster: Uuid, workers: u32) -> Operation {
        let record = self.record(cluster).await;
        let group = record.groups.iter().find(|g| g.name == node_group::DEFAULT_WORKER).unwrap().uuid;
        self.store
            .request_scale(ClusterId::assumed(cluster), group, workers, &[], new_operation(OperationKind::Scale))
            .await
            .unwrap()
    }

    pub(crate) async fn record(&self, cluster: Uuid) -> ClusterRecord {
        self.store.cluster_by_uuid(&Scope::All, cluster).await.unwrap()
    }

    pub(crate) async fn status(&self, cluster: Uuid) -> Option<Status> {
        match self.store.cluster_by_uuid(&Scope::All, cluster).await {
            Ok(record) => Some(record.cluster.status),
            Err(StoreError::NotFound { .. }) => None,
            Err(problem) => panic!("{problem}"),
        }
    }

    /// Waits until an operation has finished.
    pub(crate) async fn end_of(&self, operation: Uuid) -> Operation {
        let mut events = self.store.subscribe();
        let wait = async {
            loop {
                let now = self.operation(operation).await;
                if now.status.is_final() {
                    return now;
                }
                let _ = tokio::time::timeout(Duration::from_millis(100), events.recv()).await;
            }
        };
        match tokio::time::timeout(Duration::from_secs(7200), wait).await {
            Ok(operation) => operation,
            Err(_) => panic!("did not end: {:#?}", self.operation(operation).await),
        }
    }

    /// Waits for a number of events, or until no more come.
    pub(crate) async fn events_pass(&self, events: &mut Receiver<Event>, count: usize) {
        for _ in 0..count {
            if tokio::time::timeout(Duration::from_millis(500), events.recv()).await.is_err() {
                return;
            }
        }
    }

    /// Stops the clock, then lets it run ten times as fast as the real one, in small steps. Tokio would otherwise jump
    /// ahead whenever all tasks are idle, and every wait for the database would look like a long one.
    pub(crate) fn fast_time(&self) {
        const REAL: Duration = Duration::from_millis(2);
        const STEP: Duration = Duration::from_millis(20);
        tokio::time::pause();
        let (tick, mut ticks) = tokio::sync::mpsc::channel(1);
        let stopped = self.stop.clone();
        // A blocking task keeps tokio from jumping ahead; it also makes the real pauses.
        tokio::task::spawn_blocking(move || {
            let (_never, pause) = std::sync::mpsc::channel::<()>();
            while !stopped.is_cancelled() && !tick.is_closed() {
                let _ = pause.recv_timeout(REAL);
                let _ = tick.try_send(());
            }
        });
        tokio::spawn(async move {
            while ticks.recv().await.is_some() {
                tokio::time::advance(STEP).await;
            }
        });
    }

    pub(crate) async fn operation(&self, operation: Uuid) -> Operation {
        self.store.operation(&jeroboam_store::Scope::All, operation).await.unwrap()
    }

    /// Waits until an operation has finished; it must have succeeded.
    pub(crate) async fn success_of(&self, operation: Uuid) -> Operation {
        let ended = self.end_of(operation).await;
        assert_eq!(ended.status, OperationStatus::Succeeded, "{ended:#?}");
        ended
    }

    /// Asserts that the cloud has exactly what the cluster's rows say: nothing twice, nothing left over.
    pub(crate) async fn assert_cloud_matches(&self, cluster: Uuid) {
        let record = self.record(cluster).await;
        assert_eq!(self.cloud.infra.world().lock().unwrap().size(), (1, record.nodes.len()));
    }

    pub(crate) fn assert_cloud_is_empty(&self) {
        assert_eq!(self.cloud.infra.world().lock().unwrap().size(), (0, 0));
    }
}

pub(crate) fn new_operation(kind: OperationKind) -> NewOperation {
    NewOperation {
        kind,
        project_id: PROJECT.into(),
        user_id: "tester".into(),
        request_id: "req-test".into(),
        deadline: Some(SignedDuration::from_hours(1)),
        quotas: QuotaDefaults { clusters: 1000, ..QuotaDefaults::default() },
        limits: Limits::default(),
        replace_data: false,
    }
}
