//! Tests on a real database: a file of SQLite, or a server that `JEROBOAM_TEST_DATABASE` selects. Tests of what is
//! special about SQLite always run on SQLite.

mod cluster_template;
mod clusters;
mod deployment;
mod dry_run;
mod finish;
mod history;
mod idempotency;
mod lease;
mod node;
mod node_groups;
mod notification;
mod page;
mod precondition;
mod quota;
mod repair;
mod requests;
mod scale;
mod schema;
mod secret;
mod shown;
mod silence;
mod steps;
mod trouble;
mod versions;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use jeroboam_model::validate::Limits;
use jeroboam_model::{
    Cause, CauseExt, Cluster, ClusterTemplate, Code, EngineKind, NodeGroup, NodeRole, OperationKind, QuotaDefaults,
    Status, plan,
};
use jeroboam_pki::EncryptionKey;
use jeroboam_types::operation::Operation;
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;
use uuid::Uuid;

use crate::{Claim, ClusterFacts, ClusterId, ClusterRecord, NewOperation, Outcome, Owner, Scope, Store, TestDatabase};

/// More clusters than any test makes.
const QUOTAS: QuotaDefaults = QuotaDefaults { clusters: 100, worker_nodes: None, master_nodes: None };

/// More nodes than any test makes.
const LIMITS: Limits = Limits { nodes: 10_000, masters: 7 };

/// How long conductors of these tests keep an operation.
const LEASE: SignedDuration = SignedDuration::from_secs(30);

/// A store in a file of its own, with a template of project `one`.
struct Bench {
    database: TestDatabase,
    store: Store,
    template: ClusterTemplate,
}

impl Bench {
    async fn new() -> Self {
        Self::counting().await.0
    }

    /// A bench on SQLite, whatever database the tests run on.
    async fn sqlite() -> Self {
        Self::of(TestDatabase::sqlite().unwrap()).await.0
    }

    /// A bench that counts its statements.
    async fn counting() -> (Self, Arc<AtomicUsize>) {
        Self::of(TestDatabase::new().await.unwrap()).await
    }

    async fn of(database: TestDatabase) -> (Self, Arc<AtomicUsize>) {
        let mut store = Store::connect(database.url(), key()).await.unwrap();
        let statements = store.count_statements();
        let template = template("one", "small");
        store.create_template(&template).await.unwrap();
        (Self { database, store, template }, statements)
    }

    fn file(&self) -> PathBuf {
        self.database.folder().join("test.db")
    }

    /// Requests a cluster with one master and two workers; returns it with its operation.
    async fn create(&self, project: &str, name: &str) -> (Cluster, Operation) {
        let cluster = cluster(project, name, self.template.uuid);
        let operation = self
            .store
            .create_cluster(&self.template, &cluster, &groups(&cluster, 2), asked(project, OperationKind::Create))
            .await
            .unwrap();
        (cluster, operation)
    }

    /// A complete cluster.
    async fn created(&self, project: &str, name: &str) -> Cluster {
        let (cluster, _) = self.create(project, name).await;
        self.succeed().await;
        cluster
    }

    /// Claims the oldest operation, which must exist.
    async fn claim(&self) -> Claim {
        self.store.claim("conductor", LEASE, Timestamp::now()).await.unwrap().unwrap()
    }

    /// Finishes the oldest operation successfully.
    async fn succeed(&self) -> Claim {
        self.end(Outcome::Succeeded { facts: ClusterFacts::default() }).await
    }

    /// Finishes the oldest operation with this outcome.
    async fn end(&self, outcome: Outcome) -> Claim {
        let claim = self.claim().await;
        self.store.finish(claim.operation.uuid, claim.fence, outcome).await.unwrap();
        claim
    }

    async fn record(&self, cluster: &Cluster) -> ClusterRecord {
        self.store.cluster_by_uuid(&Scope::All, cluster.uuid).await.unwrap()
    }

    async fn status(&self, cluster: &Cluster) -> Status {
        self.record(cluster).await.cluster.status
    }

    async fn operation(&self, uuid: Uuid) -> Operation {
        self.store.operation(&Scope::All, uuid).await.unwrap()
    }
}

fn url(folder: &TempDir) -> String {
    format!("sqlite://{}?mode=rwc", folder.path().join("test.db").display())
}

fn key() -> EncryptionKey {
    EncryptionKey::from_bytes([7; 32])
}

fn project(id: &str) -> Scope {
    Scope::Project(id.to_owned())
}

fn asked(project: &str, kind: OperationKind) -> NewOperation {
    NewOperation {
        kind,
        project_id: project.to_owned(),
        user_id: "user".to_owned(),
        request_id: "req-1".to_owned(),
        deadline: Some(SignedDuration::from_hours(1)),
        quotas: QUOTAS,
        limits: LIMITS,
        replace_data: false,
    }
}

fn trouble() -> Cause {
    Cause::passing(Code::InfrastructureUnavailable, "Starting a machine failed", "Wait.").said("connection refused")
}

/// The present time, in the precision of the database.
fn now() -> Timestamp {
    Timestamp::from_microsecond(Timestamp::now().as_microsecond()).unwrap()
}

fn later(seconds: i64) -> Timestamp {
    Timestamp::now() + SignedDuration::from_secs(seconds)
}

fn step(stage: u16, action: plan::Action) -> plan::Step {
    plan::Step { because: format!("{} is missing", action.key()), action, stage }
}

fn template(project: &str, name: &str) -> ClusterTemplate {
    ClusterTemplate {
        uuid: Uuid::new_v4(),
        project_id: project.to_owned(),
        user_id: "user".to_owned(),
        name: Some(name.to_owned()),
        engine: EngineKind::KUBERNETES,
        image_id: "debian-13".to_owned(),
        flavor_id: Some("small".to_owned()),
        master_flavor_id: None,
        keypair_id: None,
        external_network_id: None,
        fixed_network: None,
        fixed_subnet: None,
        dns_nameserver: Some("8.8.8.8".to_owned()),
        network_driver: Some("flannel".to_owned()),
        volume_driver: None,
        docker_volume_size: Some(10),
        docker_storage_driver: None,
        apiserver_port: Some(6443),
        cluster_distro: None,
        http_proxy: None,
        https_proxy: None,
        no_proxy: None,
        insecure_registry: None,
        labels: BTreeMap::from([("kube_tag".to_owned(), "v1.37.2".to_owned())]),
        registry_enabled: false,
        tls_disabled: false,
        public: false,
        hidden: false,
        master_lb_enabled: false,
        floating_ip_enabled: true,
        server_type: "vm".to_owned(),
        tags: None,
        driver: None,
        created_at: now(),
        updated_at: None,
    }
}

fn cluster(project: &str, name: &str, template: Uuid) -> Cluster {
    Cluster {
        uuid: Uuid::new_v4(),
        project_id: project.to_owned(),
        user_id: "user".to_owned(),
        name: name.to_owned(),
        template,
        engine: EngineKind::KUBERNETES,
        engine_version: Some("v1.37.2".to_owned()),
        keypair: None,
        docker_volume_size: None,
        labels: BTreeMap::from([("flannel_backend".to_owned(), "vxlan".to_owned())]),
        master_flavor_id: None,
        flavor_id: Some("small".to_owned()),
        create_timeout: Some(60),
        discovery_url: None,
        fixed_network: None,
        fixed_subnet: None,
        floating_ip_enabled: false,
        master_lb_enabled: false,
        status: Status::CreateInProgress,
        status_reason: None,
        health: None,
        health_reason: BTreeMap::new(),
        paused_at: None,
        infrastructure: None,
        stack_id: None,
        api_address: None,
        coe_version: None,
        container_version: None,
        created_at: now(),
        updated_at: None,
    }
}

/// One master and some workers. Workers come first, as nothing may depend on the order.
fn groups(cluster: &Cluster, workers: u32) -> Vec<NodeGroup> {
    [("default-worker", NodeRole::Worker, workers), ("default-master", NodeRole::Master, 1)]
        .into_iter()
        .map(|(name, role, node_count)| NodeGroup {
            id: 0,
            uuid: Uuid::new_v4(),
            cluster: cluster.uuid,
            project_id: cluster.project_id.clone(),
            name: name.to_owned(),
            role,
            role_name: role.to_string(),
            is_default: true,
            node_count,
            min_node_count: 0,
            max_node_count: None,
            flavor_id: Some("small".to_owned()),
            image_id: "debian-13".to_owned(),
            docker_volume_size: None,
            labels: BTreeMap::new(),
            node_labels: BTreeMap::from([("disk".to_owned(), "ssd".to_owned())]),
            node_taints: Vec::new(),
            status: Status::CreateInProgress,
            status_reason: None,
            version: None,
            created_at: now(),
            updated_at: None,
        })
        .collect()
}

/// The record's group of workers.
fn workers(record: &ClusterRecord) -> &NodeGroup {
    record.groups.iter().find(|group| group.role == NodeRole::Worker).unwrap()
}

/// Names of the record's nodes that are wanted, in order.
fn wanted(record: &ClusterRecord) -> Vec<&str> {
    let mut names: Vec<_> = record.nodes.iter().filter(|node| node.wanted).map(|node| node.name.as_str()).collect();
    names.sort_unstable();
    names
}
