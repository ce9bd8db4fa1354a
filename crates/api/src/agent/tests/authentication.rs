//! Who is authenticated, and as which node.

use jeroboam_model::EngineKind;
use jeroboam_pki::{Authority, Facts, agent, key_and_request};
use jeroboam_store::{ClusterId, Owner};
use jeroboam_types::agent::{CertificateProfile, EnrollResponse};
use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::ExposeSecret;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

use super::world::{World, client, report};

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

#[tokio::test]
async fn a_token_is_good_once() {
    let world = World::new().await;
    let node = world.bare_cluster(EngineKind::KUBERNETES).await.remove(0);
    let token = world.token(node.uuid, MINUTE).await;
    let (_, csr) = key_and_request("root", &["system:masters".to_owned()]).unwrap();
    let first = world.stranger().enroll(node.uuid, &token, &csr).await;
    assert_eq!(first.status(), StatusCode::OK);
    let certificate = first.json::<EnrollResponse>().await.unwrap().certificate;
    let facts = Facts::read_pem(&certificate).unwrap();
    assert_eq!(facts.common_name, Some(format!("node:{}", node.uuid)), "the request's own subject does not count");
    assert!(facts.organizations.is_empty());
    assert!(world.store.node(node.uuid).await.unwrap().enrolled);
    let repeated = world.stranger().enroll(node.uuid, &token, &csr).await;
    assert_eq!(repeated.status(), StatusCode::OK, "the answer may have been lost: the same key may ask again");
    let (_, other_key) = key_and_request("root", &[]).unwrap();
    let second = world.stranger().enroll(node.uuid, &token, &other_key).await;
    assert_eq!(second.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn expired_wrong_and_others_tokens_are_refused_alike() {
    let world = World::new().await;
    let nodes = world.bare_cluster(EngineKind::KUBERNETES).await;
    let (_, csr) = key_and_request("agent", &[]).unwrap();
    let expired = world.token(nodes[0].uuid, -MINUTE).await;
    let others = world.token(nodes[1].uuid, MINUTE).await;
    let mut answers = Vec::new();
    for (node, token) in [
        (nodes[0].uuid, expired.as_str()),
        (nodes[0].uuid, "wrong"),
        (nodes[0].uuid, ""),
        (nodes[0].uuid, &others),
        (Uuid::new_v4(), &others),
    ] {
        let response = world.stranger().enroll(node, token, &csr).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        answers.push(response.text().await.unwrap());
    }
    answers.dedup();
    assert_eq!(answers, ["The enrolment token is unknown, used or expired."]);
    assert_eq!(world.stranger().enroll(nodes[1].uuid, &others, &csr).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_request_that_cannot_be_signed_does_not_cost_the_token() {
    let world = World::new().await;
    let node = world.bare_cluster(EngineKind::SWARM).await.remove(0);
    let token = world.token(node.uuid, MINUTE).await;
    let refused = world.stranger().enroll(node.uuid, &token, "rubbish").await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    assert!(refused.text().await.unwrap().contains("unreadable"));
    let (_, csr) = key_and_request("agent", &[]).unwrap();
    assert_eq!(world.stranger().enroll(node.uuid, &token, &csr).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_certificate_is_renewed_for_the_node_that_it_names_and_no_other() {
    let world = World::new().await;
    let nodes = world.cluster(EngineKind::KUBERNETES).await;
    let agent = world.enrolled(&nodes[1]).await;
    let other = format!("node:{}", nodes[0].uuid);
    let (key, csr) = key_and_request(&other, &["system:masters".to_owned()]).unwrap();
    assert_eq!(world.stranger().renew(&csr).await.status(), StatusCode::UNAUTHORIZED);
    let answer = agent.renew(&csr).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let renewed = answer.json::<EnrollResponse>().await.unwrap().certificate;
    let facts = Facts::read_pem(&renewed).unwrap();
    assert_eq!(facts.common_name, Some(format!("node:{}", nodes[1].uuid)), "the request's own subject does not count");
    assert!(facts.organizations.is_empty());
    let with_new = world.agent(&renewed, key.expose_secret());
    assert_eq!(with_new.assignment(0).await.name, nodes[1].name);
    assert_eq!(agent.renew("rubbish").await.status(), StatusCode::BAD_REQUEST);

    // An expired certificate of the agents' authority.
    let secret = world.store.secret(Owner::Deployment, agent::SECRET_NAME).await.unwrap().unwrap();
    let authority = Authority::load(&secret.certificate.unwrap(), &secret.key.unwrap()).unwrap();
    let brief = jeroboam_pki::Profile { validity: -MINUTE, ..agent::node_profile(nodes[1].uuid) };
    let over = authority.issue_pair(&brief, Timestamp::now()).unwrap();
    let late = world.agent(&over.certificate, over.key.expose_secret());
    assert!(
        late.client.post(late.url("renew")).send().await.is_err(),
        "TLS lets nobody in whose certificate has ended"
    );
}

#[tokio::test]
async fn without_a_certificate_nothing_but_enrolling_is_answered() {
    let world = World::new().await;
    world.cluster(EngineKind::KUBERNETES).await;
    let stranger = world.stranger();
    let poll = stranger.poll(0).await;
    assert_eq!(poll.status(), StatusCode::UNAUTHORIZED);
    assert!(poll.text().await.unwrap().contains("certificate"));
    assert_eq!(stranger.ask(&[CertificateProfile::Kubelet]).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(stranger.report(&report(jeroboam_model::NodePhase::Up)).await, StatusCode::UNAUTHORIZED);
    let unknown = stranger.client.get(stranger.url("other")).send().await.unwrap();
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_certificate_of_another_authority_does_not_pass_tls() {
    let world = World::new().await;
    let node = world.cluster(EngineKind::KUBERNETES).await.remove(0);
    // The same names, signed by others: another deployment, and the node's own cluster.
    let now = Timestamp::now();
    let kept = world.store.secret(ClusterId::assumed(node.cluster), "kubernetes").await.unwrap().unwrap();
    let own = Authority::load(&kept.certificate.unwrap(), &kept.key.unwrap()).unwrap();
    for authority in [agent::authority(now).unwrap(), own] {
        let pair = authority.issue_pair(&agent::node_profile(node.uuid), now).unwrap();
        let forger = world.agent(&pair.certificate, pair.key.expose_secret());
        let error = forger.client.get(forger.url("assignment")).send().await.unwrap_err();
        assert!(error.is_request() || error.is_connect(), "{error:?}");
    }
}

#[tokio::test]
async fn an_agent_does_not_talk_to_an_endpoint_of_another_authority() {
    let world = World::new().await;
    let other = agent::authority(Timestamp::now()).unwrap();
    let client = client(other.certificate_pem(), None).unwrap();
    let error = client.get(world.stranger().url("assignment")).send().await.unwrap_err();
    assert!(error.is_connect(), "{error:?}");
}

#[tokio::test]
async fn a_node_cannot_pass_itself_off_as_the_endpoint() {
    let world = World::new().await;
    let node = world.bare_cluster(EngineKind::SWARM).await.remove(0);
    let kept = world.store.secret(Owner::Deployment, agent::SECRET_NAME).await.unwrap().unwrap();
    let authority = Authority::load(&kept.certificate.unwrap(), &kept.key.unwrap()).unwrap();
    assert_eq!(authority.certificate_pem(), world.ca);
    let pair = authority.issue_pair(&agent::node_profile(node.uuid), Timestamp::now()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(rustls::crypto::aws_lc_rs::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(pair.key.expose_secret().as_bytes()).unwrap(),
        )
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
    let served = tokio::spawn(async move { acceptor.accept(listener.accept().await.unwrap().0).await.map(drop) });
    let client = client(&world.ca, None).unwrap();
    let error = client.get(format!("https://{address}/")).send().await.unwrap_err();
    assert!(error.is_connect(), "{error:?}");
    assert!(served.await.unwrap().is_err());
}

#[tokio::test]
async fn another_start_goes_on_with_the_same_authority() {
    let world = World::new().await;
    let again = crate::agent::AgentServer::new(world.store.clone(), &[world.address.ip()]).await.unwrap();
    assert_eq!(again.ca_pem(), world.ca);
}

#[tokio::test]
async fn what_is_no_tls_does_not_trouble_others() {
    let world = World::new().await;
    let mut plain = TcpStream::connect(world.address).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut plain, b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut rest = Vec::new();
    // A TLS alert or nothing, then the end of the connection.
    let _ = plain.read_to_end(&mut rest).await;
    assert_eq!(world.stranger().poll(0).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn large_bodies_are_refused() {
    let world = World::new().await;
    let node = world.bare_cluster(EngineKind::SWARM).await.remove(0);
    let (_, csr) = key_and_request("agent", &[]).unwrap();
    let enrolling = world.stranger().enroll(node.uuid, &"x".repeat(20_000), &csr).await;
    assert_eq!(enrolling.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let agent = world.enrolled(&node).await;
    let large = agent.client.post(agent.url("report")).header("content-type", "application/json");
    let answer = large.body("x".repeat(300_000)).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
}
