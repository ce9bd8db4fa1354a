//! The application in the process, on a real store and the simulated cloud.

mod authorization;
mod bad_input;
mod baymodels;
mod bays;
mod catalog;
mod certificates;
mod cluster_changes;
mod cluster_rules;
mod clusters;
mod corpus;
mod deployment;
mod engine_versions;
mod etags;
mod federations;
mod hardening;
mod idempotency;
mod identity;
mod labels;
mod legacy_nodes;
mod lists;
mod negotiation;
mod node_group_changes;
mod node_groups;
mod old_versions;
mod operations;
mod patches;
mod plans;
mod policies;
mod quotas;
mod races;
mod random;
mod requests;
mod rotation;
mod services;
mod serving;
mod signing;
mod template_rules;
mod templates;
mod trail;
mod wire;
mod workloads;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use http::{HeaderMap, Request};
use jeroboam_conductor::Clock;
use jeroboam_conductor::engines::{AccessBook, Engines};
use jeroboam_conductor::lookout::Lookout;
use jeroboam_conductor::observe::Observer;
use jeroboam_engine::Engine;
use jeroboam_engine::kubernetes::Kubernetes;
use jeroboam_engine::swarm::Swarm;
use jeroboam_identity::{Auth, AuthError, Identity};
use jeroboam_infra::Infrastructure;
use jeroboam_infra::simulated::{self, AgentSink, Heard, Simulated};
use jeroboam_model::{EngineKind, Report, Status};
use jeroboam_pki::EncryptionKey;
use jeroboam_store::{Claim, ClusterFacts, Outcome, Scope, Store, TestDatabase};
use jiff::{SignedDuration, Timestamp};
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use tower::ServiceExt;
use uuid::Uuid;

use crate::{AppState, Settings, router};

/// Version header of the newest microversion.
const LATEST: &str = "container-infra latest";

/// An identity service with a few tokens, each named after its user.
pub(super) struct Tokens;

#[async_trait]
impl Identity for Tokens {
    async fn validate(&self, token: &str) -> Result<Auth, AuthError> {
        let (project, roles): (&str, &[&str]) = match token {
            "reader" => ("p", &["reader"]),
            "member" | "colleague" => ("p", &["member", "reader"]),
            "nobody" => ("p", &[]),
            "other" => ("q", &["member", "reader"]),
            "admin" => ("admin", &["admin", "member", "reader"]),
            "bare-admin" => ("admin", &["admin"]),
            "unscoped" => return Err(AuthError::Unscoped),
            "unavailable" => return Err(AuthError::Unavailable("secret address".into())),
            "panic" => panic!("secret words of a panic"),
            _ => return Err(AuthError::Invalid),
        };
        Ok(Auth {
            user_id: token.into(),
            user_name: token.into(),
            project_id: project.into(),
            project_name: project.into(),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            expires_at: Timestamp::MAX,
        })
    }

    async fn has_project(&self, id: &str) -> Result<bool, AuthError> {
        match id {
            "unavailable" => Err(AuthError::Unavailable("secret address".into())),
            _ => Ok(["p", "q", "admin"].contains(&id)),
        }
    }

    fn auth_url(&self) -> Option<String> {
        None
    }
}

struct NoAgents;

#[async_trait]
impl AgentSink for NoAgents {
    async fn report(&self, _: Uuid, _: Report) -> Heard {
        Heard::Unknown
    }

    async fn heartbeats(&self, _: &[Uuid]) -> Vec<Uuid> {
        Vec::new()
    }
}

/// A response.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

impl Answer {
    #[track_caller]
    pub(super) fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }

    /// The error's field.
    pub(super) fn field(&self) -> &str {
        self.body["errors"][0]["field"].as_str().unwrap_or_default()
    }

    /// The operation that the response names.
    pub(super) fn operation(&self) -> Uuid {
        self.headers["x-jeroboam-operation"].to_str().unwrap().parse().unwrap()
    }

    pub(super) fn uuid(&self) -> String {
        self.body["uuid"].as_str().unwrap().to_owned()
    }
}

/// A request that is not sent yet.
pub(super) struct Call<'a> {
    case: &'a Case,
    request: http::request::Builder,
    body: Body,
}

impl Call<'_> {
    pub(super) fn token(mut self, token: &str) -> Self {
        self.request = self.request.header("x-auth-token", token);
        self
    }

    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub(super) fn version(self, minor: u16) -> Self {
        self.header("openstack-api-version", &format!("container-infra 1.{minor}"))
    }

    pub(super) fn latest(self) -> Self {
        self.header("openstack-api-version", LATEST)
    }

    pub(super) fn json(mut self, body: &Value) -> Self {
        self.body = Body::from(body.to_string());
        self.header("content-type", "application/json")
    }

    pub(super) fn raw(mut self, body: &str) -> Self {
        self.body = Body::from(body.to_owned());
        self
    }

    pub(super) async fn response(self) -> http::Response<Body> {
        let request = self.request.body(self.body).unwrap();
        self.case.router.clone().oneshot(request).await.unwrap()
    }

    pub(super) async fn send(self) -> Answer {
        let (parts, body) = self.response().await.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let body = serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }
}

/// The application, its store and its simulated cloud.
pub(super) struct Case {
    pub(super) router: Router,
    pub(super) store: Store,
    pub(super) infra: Simulated,
    database: TestDatabase,
}

impl Case {
    pub(super) async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    pub(super) async fn with(settings: Settings) -> Self {
        Self::with_identity(settings, |_| (Arc::new(Tokens), None)).await
    }

    pub(super) async fn with_identity(
        settings: Settings,
        identity: impl FnOnce(&std::path::Path) -> (Arc<dyn Identity>, Option<Router>),
    ) -> Self {
        let database = TestDatabase::new().await.unwrap();
        let store = Store::connect(database.url(), EncryptionKey::generate().unwrap()).await.unwrap();
        let quick = simulated::Settings { latency: (Duration::ZERO, Duration::ZERO), ..simulated::Settings::default() };
        let infra = Simulated::new(quick, Arc::new(NoAgents));
        let (kubernetes, swarm) = (Kubernetes::new(), Swarm::new());
        let drivers: [(EngineKind, Arc<dyn Engine>); 2] =
            [(EngineKind::KUBERNETES, Arc::new(kubernetes.clone())), (EngineKind::SWARM, Arc::new(swarm.clone()))];
        let (identity, keystone) = identity(database.folder());
        let accesses = AccessBook::new(store.clone());
        let cloud: Arc<dyn Infrastructure> = Arc::new(infra.clone());
        let (started, instance) = store.start_instance("host", None).await.unwrap();
        let lookout = Lookout::new(store.clone(), cloud.clone(), started.id, instance, "host".into());
        let observer =
            Observer::new(store.clone(), cloud.clone(), Engines::new(drivers), accesses.clone(), Clock::System);
        let below = (cloud, lookout, observer);
        let state = AppState::new(store.clone(), identity, accesses, below, (kubernetes, swarm), settings);
        Self { router: router(state, keystone), store, infra, database }
    }

    pub(super) fn call(&self, method: &str, path: &str) -> Call<'_> {
        let request = Request::builder().method(method).uri(path).header("host", "api.example:9511");
        Call { case: self, request, body: Body::empty() }
    }

    pub(super) fn get(&self, path: &str) -> Call<'_> {
        self.call("GET", path).token("member").latest()
    }

    pub(super) fn post(&self, path: &str, body: &Value) -> Call<'_> {
        self.call("POST", path).token("member").latest().json(body)
    }

    pub(super) fn patch(&self, path: &str, body: &Value) -> Call<'_> {
        self.call("PATCH", path).token("member").latest().json(body)
    }

    pub(super) fn delete(&self, path: &str) -> Call<'_> {
        self.call("DELETE", path).token("member").latest()
    }

    /// Creates a template of the project p.
    pub(super) async fn template(&self, name: &str, coe: &str) -> String {
        let body = json!({"name": name, "coe": coe, "image_id": "debian-13", "keypair_id": "k"});
        self.post("/v1/clustertemplates", &body).send().await.is(201).uuid()
    }

    /// Creates a cluster of the project p in status CREATE_IN_PROGRESS.
    pub(super) async fn cluster(&self, name: &str, template: &str) -> String {
        let body = json!({"name": name, "cluster_template_id": template, "node_count": 2});
        self.post("/v1/clusters", &body).send().await.is(202).uuid()
    }

    /// Creates a cluster of the project p in status CREATE_COMPLETE.
    pub(super) async fn complete_cluster(&self, name: &str, template: &str) -> String {
        let uuid = self.cluster(name, template).await;
        self.end(Outcome::Succeeded { facts: ClusterFacts::default() }).await;
        assert_eq!(self.status(&uuid).await, Status::CreateComplete);
        uuid
    }

    /// The same with an API address that nodes could join.
    pub(super) async fn living_cluster(&self, name: &str, template: &str) -> String {
        let uuid = self.cluster(name, template).await;
        let facts = ClusterFacts { api_address: Some("https://172.18.0.10:6443".into()), ..ClusterFacts::default() };
        self.end(Outcome::Succeeded { facts }).await;
        uuid
    }

    /// Changes the database directly. Returns the number of changed rows.
    pub(super) async fn run_sql(&self, sql: &str) -> u64 {
        let database = sea_orm::Database::connect(self.database.url()).await.unwrap();
        database.execute_unprepared(sql).await.unwrap().rows_affected()
    }

    /// Carries out all operations.
    pub(super) async fn succeed_all(&self) {
        while self.store.claim("look", SignedDuration::ZERO, Timestamp::now()).await.unwrap().is_some() {
            self.succeed().await;
        }
    }

    /// Carries out the oldest operation: what it deletes is deleted.
    pub(super) async fn succeed(&self) {
        let claim = self.claim().await;
        for node in self.store.nodes(claim.operation.cluster_uuid).await.unwrap() {
            if !node.wanted {
                self.store.remove_node(node.uuid).await.unwrap();
            }
        }
        let done = Outcome::Succeeded { facts: ClusterFacts::default() };
        self.store.held(&claim).finish(done).await.unwrap();
    }

    /// Takes the oldest operation, as a conductor does.
    pub(super) async fn claim(&self) -> Claim {
        self.store.claim("test", SignedDuration::from_mins(1), Timestamp::now()).await.unwrap().unwrap()
    }

    /// Takes the oldest operation and finishes it.
    pub(super) async fn end(&self, outcome: Outcome) {
        let claim = self.claim().await;
        self.store.held(&claim).finish(outcome).await.unwrap();
    }

    /// Finishes all operations.
    pub(super) async fn end_all(&self) {
        while let Some(claim) = self.store.claim("test", SignedDuration::from_mins(1), Timestamp::now()).await.unwrap()
        {
            let outcome = Outcome::Succeeded { facts: ClusterFacts::default() };
            self.store.held(&claim).finish(outcome).await.unwrap();
        }
    }

    pub(super) async fn status(&self, uuid: &str) -> Status {
        self.store.cluster_by_uuid(&Scope::All, uuid.parse().unwrap()).await.unwrap().cluster.status
    }
}
