//! A running endpoint over a store with two clusters, and agents that call it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use jeroboam_model::validate::Limits;
use jeroboam_model::{
    Cluster, ClusterTemplate, EngineKind, Node, NodeGroup, NodePhase, NodeRole, OperationKind, QuotaDefaults,
};
use jeroboam_pki::agent::Token;
use jeroboam_pki::{Authority, EncryptionKey, key_and_request, signing_key};
use jeroboam_store::{ClusterId, NewOperation, Scope, Store, TestDatabase};
use jeroboam_types::agent::{
    Assignment, CertificateProfile, CertificateRequest, CertificatesRequest, CertificatesResponse, EnrollRequest,
    EnrollResponse, Facts, Heartbeat, RenewRequest, Report,
};
use jiff::{SignedDuration, Timestamp};
use reqwest::{Client, StatusCode};
use secrecy::ExposeSecret;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::agent::AgentServer;
use crate::agent::snapshot::Snapshots;

pub(super) struct World {
    pub(super) store: Store,
    pub(super) address: SocketAddr,
    pub(super) ca: String,
    pub(super) shutdown: CancellationToken,
    pub(super) server: JoinHandle<()>,
    snapshots: Arc<Snapshots>,
    _database: TestDatabase,
}

impl World {
    pub(super) async fn new() -> Self {
        Self::with_long_poll(Duration::from_secs(25)).await
    }

    pub(super) async fn with_long_poll(long_poll: Duration) -> Self {
        let database = TestDatabase::new().await.unwrap();
        let store = Store::connect(database.url(), EncryptionKey::generate().unwrap()).await.unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut server = AgentServer::new(store.clone(), &[address.ip()]).await.unwrap();
        server.endpoint.long_poll = long_poll;
        let ca = server.ca_pem().to_owned();
        let snapshots = server.endpoint.snapshots.clone();
        let shutdown = CancellationToken::new();
        let server = tokio::spawn(server.serve(listener, 64, shutdown.clone()));
        Self { store, address, ca, shutdown, server, snapshots, _database: database }
    }

    /// Waits until a poll for a cluster's assignments waits for changes.
    pub(super) async fn polled(&self, cluster: Uuid) {
        let arrived = async {
            while !self.snapshots.is_waited_for(cluster) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), arrived).await.unwrap();
    }

    /// A new cluster of one master and two workers, with its secrets and addresses.
    pub(super) async fn cluster(&self, engine: EngineKind) -> Vec<Node> {
        let nodes = self.bare_cluster(engine).await;
        let cluster = nodes[0].cluster;
        for name in ["kubernetes", "etcd", "front-proxy"] {
            let authority = Authority::generate(name, Timestamp::now()).unwrap();
            let (certificate, key) = (authority.certificate_pem(), authority.key_pem());
            self.store.put_secret(ClusterId::assumed(cluster), name, Some(certificate), Some(&key)).await.unwrap();
        }
        let (private, public) = signing_key().unwrap();
        self.store
            .put_secret(ClusterId::assumed(cluster), "service-account", Some(&public), Some(&private))
            .await
            .unwrap();
        for node in &nodes {
            self.store.set_machine(node.uuid, "machine", Some(address_of(node))).await.unwrap();
        }
        self.store.nodes(cluster).await.unwrap()
    }

    /// The same without secrets and addresses. Masters first.
    pub(super) async fn bare_cluster(&self, engine: EngineKind) -> Vec<Node> {
        let template = ClusterTemplate::new(engine, "debian-13", "p", "u", Timestamp::now());
        self.store.create_template(&template).await.unwrap();
        let template = self.store.template(&Scope::All, &template.uuid.to_string()).await.unwrap();
        let cluster = Cluster {
            engine_version: (engine == EngineKind::KUBERNETES).then(|| "v1.37.2".to_owned()),
            ..Cluster::of(&template, "c", "p", "u", Timestamp::now())
        };
        let groups = [(NodeRole::Master, 1), (NodeRole::Worker, 2)]
            .map(|(role, count)| NodeGroup::default_of(&cluster, &template, role, count));
        let operation = NewOperation {
            kind: OperationKind::Create,
            project_id: "p".into(),
            user_id: "u".into(),
            request_id: "r".into(),
            deadline: None,
            quotas: QuotaDefaults::default(),
            limits: Limits::default(),
            replace_data: false,
        };
        self.store.create_cluster(&template, &cluster, &groups, operation).await.unwrap();
        let mut nodes = self.store.nodes(cluster.uuid).await.unwrap();
        nodes.sort_by_key(|node| (node.role == NodeRole::Worker, node.slot));
        nodes
    }

    /// A token for a node that is valid for this long.
    pub(super) async fn token(&self, node: Uuid, valid: SignedDuration) -> String {
        let token = Token::generate().unwrap();
        self.store.issue_token(node, &token.hash, Timestamp::now() + valid).await.unwrap();
        token.secret.expose_secret().to_owned()
    }

    /// An agent without a certificate.
    pub(super) fn stranger(&self) -> Agent {
        Agent { client: client(&self.ca, None).unwrap(), base: format!("https://{}/agent/v1", self.address) }
    }

    /// An agent with this certificate and key.
    pub(super) fn agent(&self, certificate: &str, key: &str) -> Agent {
        let client = client(&self.ca, Some(&format!("{certificate}\n{key}"))).unwrap();
        Agent { client, ..self.stranger() }
    }

    /// An agent that has enrolled for the node.
    pub(super) async fn enrolled(&self, node: &Node) -> Agent {
        let token = self.token(node.uuid, SignedDuration::from_mins(1)).await;
        let (key, csr) = key_and_request("anybody", &[]).unwrap();
        let response = self.stranger().enroll(node.uuid, &token, &csr).await;
        assert_eq!(response.status(), StatusCode::OK);
        let certificate = response.json::<EnrollResponse>().await.unwrap().certificate;
        self.agent(&certificate, key.expose_secret())
    }
}

pub(super) fn client(ca: &str, identity: Option<&str>) -> reqwest::Result<Client> {
    let ca = reqwest::Certificate::from_pem(ca.as_bytes())?;
    let builder = Client::builder().tls_certs_only([ca]).no_proxy();
    match identity {
        Some(pem) => builder.identity(reqwest::Identity::from_pem(pem.as_bytes())?).build(),
        None => builder.build(),
    }
}

/// A client of the endpoint.
#[derive(Clone)]
pub(super) struct Agent {
    pub(super) client: Client,
    base: String,
}

impl Agent {
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.base)
    }

    pub(super) async fn enroll(&self, node: Uuid, token: &str, csr: &str) -> reqwest::Response {
        let request = EnrollRequest { node, token: token.to_owned(), csr: csr.to_owned() };
        self.client.post(self.url("enroll")).json(&request).send().await.unwrap()
    }

    pub(super) async fn renew(&self, csr: &str) -> reqwest::Response {
        self.client.post(self.url("renew")).json(&RenewRequest { csr: csr.to_owned() }).send().await.unwrap()
    }

    pub(super) async fn poll(&self, after: u64) -> reqwest::Response {
        self.client.get(self.url("assignment")).query(&[("after", after)]).send().await.unwrap()
    }

    pub(super) async fn assignment(&self, after: u64) -> Assignment {
        let response = self.poll(after).await;
        assert_eq!(response.status(), StatusCode::OK);
        response.json().await.unwrap()
    }

    pub(super) async fn ask(&self, profiles: &[CertificateProfile]) -> reqwest::Response {
        let requests = profiles.iter().map(|profile| {
            let (_, csr) = key_and_request("root", &["system:masters".to_owned()]).unwrap();
            CertificateRequest { profile: *profile, csr }
        });
        let request = CertificatesRequest { requests: requests.collect() };
        self.client.post(self.url("certificates")).json(&request).send().await.unwrap()
    }

    pub(super) async fn certificates(&self, profiles: &[CertificateProfile]) -> Vec<String> {
        let response = self.ask(profiles).await;
        assert_eq!(response.status(), StatusCode::OK);
        response.json::<CertificatesResponse>().await.unwrap().certificates
    }

    pub(super) async fn heartbeat(&self, seconds: u64) -> StatusCode {
        self.client.post(self.url("heartbeat")).json(&Heartbeat { seconds }).send().await.unwrap().status()
    }

    pub(super) async fn report(&self, report: &Report) -> StatusCode {
        self.client.post(self.url("report")).json(report).send().await.unwrap().status()
    }
}

pub(super) fn report(phase: NodePhase) -> Report {
    Report {
        revision: 1,
        authorities: 0,
        phase,
        components: Vec::new(),
        problem: None,
        facts: Facts::default(),
        swarm: None,
        engine_nodes: None,
    }
}

pub(super) fn address_of(node: &Node) -> IpAddr {
    IpAddr::from([172, 18, 0, u8::try_from(node.slot).unwrap() + 10])
}
