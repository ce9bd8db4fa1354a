//! What enrolled agents receive and report.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use jeroboam_model::{EngineKind, NodePhase};
use jeroboam_pki::Facts;
use jeroboam_store::ClusterId;
use jeroboam_types::agent::{
    CertificateProfile, ComponentReport, ComponentState, EngineAssignment, EngineNodeState, MAX_ENGINE_NODES,
    MAX_REASON, SwarmMembership, SwarmTokens,
};
use jiff::SignedDuration;
use reqwest::StatusCode;
use secrecy::ExposeSecret;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::world::{World, address_of, report};

fn membership(engine: &EngineAssignment) -> Option<&SwarmMembership> {
    match engine {
        EngineAssignment::Swarm(swarm) => swarm.membership.as_ref(),
        EngineAssignment::Kubernetes(_) => panic!("not a swarm"),
    }
}

fn tokens(founder: &str) -> SwarmTokens {
    SwarmTokens { manager: format!("SWMTKN-{founder}-manager"), worker: format!("SWMTKN-{founder}-worker") }
}

#[tokio::test]
async fn an_agent_gets_its_own_assignment() {
    let world = World::new().await;
    let nodes = world.cluster(EngineKind::KUBERNETES).await;
    let assignment = world.enrolled(&nodes[1]).await.assignment(0).await;
    assert_eq!((&assignment.name, assignment.address), (&nodes[1].name, address_of(&nodes[1])));
    assert_eq!(assignment.revision, world.store.cluster_revision(nodes[1].cluster).await.unwrap());
    assert_eq!(assignment.peers.len(), 3);
    let EngineAssignment::Kubernetes(kubernetes) = assignment.engine else { panic!("not Kubernetes") };
    let ca = world.store.secret(ClusterId::assumed(nodes[1].cluster), "kubernetes").await.unwrap().unwrap();
    assert_eq!(Some(kubernetes.ca), ca.certificate);
}

#[tokio::test]
async fn a_poll_waits_for_what_the_node_needs_and_wakes_when_it_is_there() {
    let world = World::new().await;
    let nodes = world.bare_cluster(EngineKind::SWARM).await;
    let agent = world.enrolled(&nodes[0]).await;
    let poll = tokio::spawn(async move { agent.assignment(0).await });
    world.polled(nodes[0].cluster).await;
    world.store.set_machine(nodes[0].uuid, "m", Some(address_of(&nodes[0]))).await.unwrap();
    let ca = jeroboam_pki::Authority::generate("c", jiff::Timestamp::now()).unwrap();
    let (certificate, key) = (ca.certificate_pem(), ca.key_pem());
    world
        .store
        .put_secret(ClusterId::assumed(nodes[0].cluster), "kubernetes", Some(certificate), Some(&key))
        .await
        .unwrap();
    let assignment = poll.await.unwrap();
    assert_eq!(membership(&assignment.engine), Some(&SwarmMembership::Init));
}

#[tokio::test]
async fn a_poll_wakes_at_the_next_change_only() {
    let world = World::new().await;
    let nodes = world.cluster(EngineKind::KUBERNETES).await;
    let agent = world.enrolled(&nodes[0]).await;
    let known = agent.assignment(0).await.revision;
    let mut poll = tokio::spawn(async move { agent.assignment(known).await });
    // A report changes nobody's assignment: the poll goes on. So does another node's poll.
    let other = world.enrolled(&nodes[1]).await;
    assert_eq!(other.report(&report(NodePhase::Up)).await, StatusCode::NO_CONTENT);
    assert!(tokio::time::timeout(Duration::from_millis(50), &mut poll).await.is_err());
    let moved: IpAddr = "172.18.9.9".parse().unwrap();
    world.store.set_machine(nodes[2].uuid, "another", Some(moved)).await.unwrap();
    let assignment = poll.await.unwrap();
    assert!(assignment.revision > known);
    assert!(assignment.peers.iter().any(|peer| peer.address == moved));
}

#[tokio::test]
async fn a_poll_with_nothing_new_ends_empty() {
    let world = World::with_long_poll(Duration::from_millis(20)).await;
    let nodes = world.cluster(EngineKind::KUBERNETES).await;
    let agent = world.enrolled(&nodes[0]).await;
    let known = agent.assignment(0).await.revision;
    assert_eq!(agent.poll(known).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(agent.poll(known + 100).await.status(), StatusCode::NO_CONTENT);
    let bare = world.bare_cluster(EngineKind::KUBERNETES).await;
    assert_eq!(world.enrolled(&bare[0]).await.poll(0).await.status(), StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_node_that_was_taken_out_is_told_at_once_and_one_that_nobody_knows_goes_on() {
    let world = World::new().await;
    let nodes = world.cluster(EngineKind::KUBERNETES).await;
    let agent = world.enrolled(&nodes[2]).await;
    let known = agent.assignment(0).await.revision;
    let polling = agent.clone();
    let poll = tokio::spawn(async move { polling.poll(known).await.status() });
    world.polled(nodes[2].cluster).await;
    world.store.remove_node(nodes[2].uuid).await.unwrap();
    assert_eq!(poll.await.unwrap(), StatusCode::GONE);
    // As in a database from before the node was created.
    assert_eq!(agent.poll(0).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(agent.report(&report(NodePhase::Up)).await, StatusCode::NOT_FOUND);
    assert_eq!(agent.ask(&[CertificateProfile::Kubelet]).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn stopping_does_not_wait_for_polls() {
    let world = World::new().await;
    let nodes = world.bare_cluster(EngineKind::KUBERNETES).await;
    let agent = world.enrolled(&nodes[0]).await;
    let poll = tokio::spawn(async move { agent.poll(0).await.status() });
    world.polled(nodes[0].cluster).await;
    world.shutdown.cancel();
    // Less than the grace period of calls in progress.
    tokio::time::timeout(Duration::from_secs(4), world.server).await.unwrap().unwrap();
    assert_eq!(poll.await.unwrap(), StatusCode::NO_CONTENT);
}

/// The DNS names and addresses of a certificate, and its facts.
fn names(pem: &str) -> (Vec<String>, Facts) {
    let (_, block) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).unwrap();
    let (_, certificate) = X509Certificate::from_der(&block.contents).unwrap();
    let names = certificate.subject_alternative_name().unwrap().map_or(Vec::new(), |names| {
        let text = |name: &GeneralName<'_>| match name {
            GeneralName::DNSName(name) => (*name).to_owned(),
            GeneralName::IPAddress(bytes) => IpAddr::from(<[u8; 4]>::try_from(*bytes).unwrap()).to_string(),
            other => panic!("{other:?}"),
        };
        names.value.general_names.iter().map(text).collect()
    });
    (names, Facts::read(&block.contents).unwrap())
}

#[tokio::test]
async fn a_master_gets_every_certificate_of_a_control_plane() {
    let world = World::new().await;
    let nodes = world.cluster(EngineKind::KUBERNETES).await;
    let master = world.enrolled(&nodes[0]).await;
    use CertificateProfile as Wanted;
    let node = format!("system:node:{}", nodes[0].name);
    for (wanted, common_name, organizations, issuer) in [
        (Wanted::KubeApiserver, "kube-apiserver", &[][..], "kubernetes"),
        (Wanted::KubeApiserverKubeletClient, "kube-apiserver-kubelet-client", &["system:masters"], "kubernetes"),
        (Wanted::KubeControllerManager, "system:kube-controller-manager", &[], "kubernetes"),
        (Wanted::KubeScheduler, "system:kube-scheduler", &[], "kubernetes"),
        (Wanted::Kubelet, &node, &["system:nodes"], "kubernetes"),
        (Wanted::KubeletServer, &node, &["system:nodes"], "kubernetes"),
        (Wanted::KubeProxy, "system:kube-proxy", &["system:node-proxier"], "kubernetes"),
        (Wanted::NodeAgent, "jeroboam:node", &[], "kubernetes"),
        (Wanted::EtcdServer, &nodes[0].name, &[], "etcd"),
        (Wanted::EtcdPeer, &nodes[0].name, &[], "etcd"),
        (Wanted::EtcdClient, "kube-apiserver-etcd-client", &["system:masters"], "etcd"),
        (Wanted::FrontProxyClient, "front-proxy-client", &[], "front-proxy"),
    ] {
        let certificates = master.certificates(&[wanted]).await;
        let (names, facts) = names(&certificates[0]);
        assert_eq!(facts.common_name.as_deref(), Some(common_name), "{wanted}");
        assert_eq!(facts.organizations, organizations, "{wanted}: what the request asks for does not count");
        assert_eq!(facts.issuer.as_deref(), Some(issuer), "{wanted}");
        let own = address_of(&nodes[0]).to_string();
        match wanted {
            Wanted::KubeApiserver => assert_eq!(
                names,
                [
                    "kubernetes",
                    "kubernetes.default",
                    "kubernetes.default.svc",
                    "kubernetes.default.svc.cluster.local",
                    "localhost",
                    &nodes[0].name,
                    &own,
                    "10.254.0.1",
                    "127.0.0.1"
                ]
            ),
            Wanted::KubeletServer | Wanted::EtcdServer | Wanted::EtcdPeer => {
                assert_eq!(names, [nodes[0].name.as_str(), "localhost", &own, "127.0.0.1"], "{wanted}");
            }
            _ => assert!(names.is_empty(), "{wanted}: {names:?}"),
        }
    }
}

#[tokio::test]
async fn a_worker_gets_no_certificate_of_a_control_plane_and_learns_which_one_it_was() {
    let world = World::new().await;
    let nodes = world.cluster(EngineKind::KUBERNETES).await;
    let worker = world.enrolled(&nodes[1]).await;
    use CertificateProfile as Wanted;
    for refused in [
        Wanted::KubeApiserver,
        Wanted::KubeApiserverKubeletClient,
        Wanted::KubeControllerManager,
        Wanted::KubeScheduler,
        Wanted::EtcdServer,
        Wanted::EtcdPeer,
        Wanted::EtcdClient,
        Wanted::FrontProxyClient,
        Wanted::DockerServer,
        Wanted::RegistryServer,
    ] {
        let answer = worker.ask(&[Wanted::Kubelet, refused]).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{refused}");
        let text = answer.text().await.unwrap();
        assert!(text.contains(&refused.to_string()), "{text}");
    }
    let own = [Wanted::Kubelet, Wanted::KubeletServer, Wanted::KubeProxy, Wanted::NodeAgent, Wanted::RegistryClient];
    assert_eq!(worker.certificates(&own).await.len(), own.len());
}

#[tokio::test]
async fn a_swarm_node_gets_its_engines_certificate_and_none_of_kubernetes() {
    let world = World::new().await;
    let nodes = world.cluster(EngineKind::SWARM).await;
    let master = world.enrolled(&nodes[0]).await;
    let certificates = master.certificates(&[CertificateProfile::DockerServer]).await;
    let (names, _) = names(&certificates[0]);
    let own = [nodes[0].name.as_str(), "localhost", &address_of(&nodes[0]).to_string(), "127.0.0.1"];
    assert_eq!(names, own);
    let answer = master.ask(&[CertificateProfile::Kubelet]).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn nodes_of_every_engine_get_certificates_for_the_registry() {
    let world = World::new().await;
    for engine in [EngineKind::KUBERNETES, EngineKind::SWARM] {
        let nodes = world.cluster(engine).await;
        let master = world.enrolled(&nodes[0]).await;
        let both = [CertificateProfile::RegistryServer, CertificateProfile::RegistryClient];
        let certificates = master.certificates(&both).await;
        let (server, _) = names(&certificates[0]);
        assert_eq!(server, [nodes[0].name.as_str(), "localhost", &address_of(&nodes[0]).to_string(), "127.0.0.1"]);
        let (client, facts) = names(&certificates[1]);
        assert!(client.is_empty() && facts.organizations.is_empty(), "it may do nothing in Kubernetes: {facts:?}");
        assert_eq!(facts.common_name.as_deref(), Some("jeroboam:registry"));
    }
}

#[tokio::test]
async fn certificates_wait_for_authorities_and_have_a_limit() {
    let world = World::new().await;
    let nodes = world.bare_cluster(EngineKind::KUBERNETES).await;
    let agent = world.enrolled(&nodes[0]).await;
    let early = agent.ask(&[CertificateProfile::Kubelet]).await;
    assert_eq!(early.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(early.text().await.unwrap().contains("not created yet"));
    assert_eq!(agent.ask(&[CertificateProfile::Kubelet; 17]).await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_report_is_kept() {
    let world = World::new().await;
    let nodes = world.cluster(EngineKind::KUBERNETES).await;
    let agent = world.enrolled(&nodes[1]).await;
    let mut said = report(NodePhase::Starting);
    said.components.push(ComponentReport {
        name: "kubelet".into(),
        state: ComponentState::BackOff,
        version: Some("v1.37.2".into()),
        restarts: 3,
        recent_restarts: 3,
        started_at: None,
        ready_at: None,
        log: vec!["it did not work".into()],
    });
    assert_eq!(agent.report(&said).await, StatusCode::NO_CONTENT);
    let node = world.store.node(nodes[1].uuid).await.unwrap();
    assert_eq!(node.report, Some(said));
    assert!(!node.is_silent(jiff::Timestamp::now()));
}

#[tokio::test]
async fn masters_tell_what_the_engine_says_of_nodes_and_workers_do_not() {
    let world = World::new().await;
    let nodes = world.cluster(EngineKind::KUBERNETES).await;
    let state = EngineNodeState { ready: false, reason: Some("Kubelet stopped posting node status.".into()) };
    let mut said = report(NodePhase::Up);
    said.engine_nodes = Some(BTreeMap::from([(nodes[2].name.clone(), state)]));
    for (node, expected) in [(&nodes[0], said.engine_nodes.clone()), (&nodes[1], None)] {
        assert_eq!(world.enrolled(node).await.report(&said).await, StatusCode::NO_CONTENT);
        let kept = world.store.node(node.uuid).await.unwrap().report.unwrap();
        assert_eq!(kept.engine_nodes, expected, "{}", node.name);
    }
}

#[tokio::test]
async fn the_longest_view_of_an_engine_fits_in_a_report() {
    let world = World::new().await;
    let nodes = world.cluster(EngineKind::KUBERNETES).await;
    let state = EngineNodeState { ready: false, reason: Some("x".repeat(MAX_REASON)) };
    let mut said = report(NodePhase::Up);
    let name = |number| format!("{number:0>63}");
    said.engine_nodes = Some((0..MAX_ENGINE_NODES).map(|number| (name(number), state.clone())).collect());
    assert_eq!(world.enrolled(&nodes[0]).await.report(&said).await, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn the_founders_tokens_wake_those_who_wait_to_join() {
    let world = World::new().await;
    let nodes = world.cluster(EngineKind::SWARM).await;
    let (founder, worker) = (world.enrolled(&nodes[0]).await, world.enrolled(&nodes[1]).await);
    let first = worker.assignment(0).await;
    assert_eq!(membership(&first.engine), None);
    let poll = tokio::spawn({
        let worker = worker.clone();
        async move {
            let mut known = first.revision;
            loop {
                let assignment = worker.assignment(known).await;
                known = assignment.revision;
                if membership(&assignment.engine).is_some() {
                    return assignment;
                }
            }
        }
    });
    let mut said = report(NodePhase::Up);
    said.swarm = Some(tokens("first"));
    assert_eq!(founder.report(&said).await, StatusCode::NO_CONTENT);
    let joined = poll.await.unwrap();
    let join = |token: &str| SwarmMembership::Join {
        token: token.to_owned(),
        managers: vec![format!("{}:2377", address_of(&nodes[0]))],
    };
    assert_eq!(membership(&joined.engine), Some(&join("SWMTKN-first-worker")));
    // Tokens are secrets: not in the report, which users can read.
    let kept = world.store.node(nodes[0].uuid).await.unwrap().report.unwrap();
    assert!(kept.swarm.is_none());
    assert!(!serde_json::to_string(&kept).unwrap().contains("SWMTKN"));
    // Unchanged tokens are no event; those of a recreated swarm are.
    let known = world.store.cluster_revision(nodes[0].cluster).await.unwrap();
    assert_eq!(founder.report(&said).await, StatusCode::NO_CONTENT);
    assert_eq!(world.store.cluster_revision(nodes[0].cluster).await.unwrap(), known);
    said.swarm = Some(tokens("second"));
    assert_eq!(founder.report(&said).await, StatusCode::NO_CONTENT);
    let mut now = worker.assignment(known).await;
    while membership(&now.engine) != Some(&join("SWMTKN-second-worker")) {
        now = worker.assignment(now.revision).await;
    }
}

#[tokio::test]
async fn nobody_but_a_master_of_a_swarm_says_how_to_join() {
    let world = World::new().await;
    let mut said = report(NodePhase::Up);
    said.swarm = Some(tokens("rogue"));
    let nodes = world.cluster(EngineKind::SWARM).await;
    assert_eq!(world.enrolled(&nodes[1]).await.report(&said).await, StatusCode::FORBIDDEN);
    let kubernetes = world.cluster(EngineKind::KUBERNETES).await;
    assert_eq!(world.enrolled(&kubernetes[0]).await.report(&said).await, StatusCode::FORBIDDEN);
    said.swarm = Some(SwarmTokens { manager: "two\nlines".into(), worker: String::new() });
    assert_eq!(world.enrolled(&nodes[0]).await.report(&said).await, StatusCode::BAD_REQUEST);
    for cluster in [nodes[0].cluster, kubernetes[0].cluster] {
        assert!(world.store.secret(ClusterId::assumed(cluster), "swarm-manager-token").await.unwrap().is_none());
    }
}

#[tokio::test]
async fn an_agent_reaches_nothing_but_what_is_its_own() {
    let world = World::new().await;
    let (one, other) = (world.cluster(EngineKind::KUBERNETES).await, world.cluster(EngineKind::KUBERNETES).await);
    let intruder = world.enrolled(&other[0]).await;
    let assignment = intruder.assignment(0).await;
    let text = serde_json::to_string(&assignment).unwrap();
    for (name, secret) in world.store.secrets(ClusterId::assumed(one[0].cluster)).await.unwrap() {
        let parts = [secret.certificate, secret.key.map(|key| key.expose_secret().to_owned())];
        for part in parts.into_iter().flatten() {
            let escaped = serde_json::to_string(&part).unwrap();
            assert!(!text.contains(escaped.trim_matches('"')), "{name} of another cluster");
        }
    }
    let foreign = world
        .store
        .secret(ClusterId::assumed(one[0].cluster), "kubernetes")
        .await
        .unwrap()
        .unwrap()
        .certificate
        .unwrap();
    let own = world
        .store
        .secret(ClusterId::assumed(other[0].cluster), "kubernetes")
        .await
        .unwrap()
        .unwrap()
        .certificate
        .unwrap();
    let signed = intruder.certificates(&[CertificateProfile::KubeApiserverKubeletClient]).await.remove(0);
    assert!(signed_by(&signed, &own) && !signed_by(&signed, &foreign));
    assert_eq!(intruder.report(&report(NodePhase::Failed)).await, StatusCode::NO_CONTENT);
    for node in world.store.nodes(one[0].cluster).await.unwrap() {
        assert_eq!(node.report, None);
    }
    // Nor can it enrol as another node with its own token.
    let token = world.token(other[1].uuid, SignedDuration::from_mins(1)).await;
    let (_, csr) = jeroboam_pki::key_and_request("agent", &[]).unwrap();
    assert_eq!(intruder.enroll(one[0].uuid, &token, &csr).await.status(), StatusCode::UNAUTHORIZED);
}

fn signed_by(certificate: &str, authority: &str) -> bool {
    let (_, certificate) = x509_parser::pem::parse_x509_pem(certificate.as_bytes()).unwrap();
    let (_, authority) = x509_parser::pem::parse_x509_pem(authority.as_bytes()).unwrap();
    let (_, certificate) = X509Certificate::from_der(&certificate.contents).unwrap();
    let (_, authority) = X509Certificate::from_der(&authority.contents).unwrap();
    certificate.verify_signature(Some(authority.public_key())).is_ok()
}
