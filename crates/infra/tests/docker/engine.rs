//! The engine itself: down, up again, hanging, of another kind.

use std::time::Duration;

use jeroboam_infra::docker::{Docker, DockerConfig};
use jeroboam_infra::{Infrastructure, Progress};
use jeroboam_model::{Cause, WhoMustAct};
use uuid::Uuid;

use crate::support::{self, Yard, cluster, ensure, remove, spec};

#[tokio::test]
async fn an_engine_that_is_away_gives_a_cause_that_passes() {
    let config = DockerConfig { host: Some("unix:///nonexistent/docker.sock".into()), ..DockerConfig::default() };
    let docker = Docker::connect(config).await.unwrap();
    let (cluster, node) = (cluster("away"), spec("away-master-0", 0));
    let causes: [Cause; 5] = [
        docker.observe(cluster.uuid).await.unwrap_err(),
        docker.ensure_network(&cluster, Progress::ignored()).await.unwrap_err(),
        ensure(&docker, &cluster, &node).await.unwrap_err(),
        remove(&docker, cluster.uuid, node.node).await.unwrap_err(),
        docker.agent_endpoint().await.unwrap_err(),
    ];
    for cause in causes {
        assert_eq!((cause.code.as_str(), cause.retryable), ("infrastructure_unavailable", true), "{cause:?}");
        assert!(cause.message.contains("/nonexistent/docker.sock"), "{}", cause.message);
    }
}

#[tokio::test]
async fn an_engine_that_comes_back_is_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("docker.sock");
    let Some(real) = support::socket() else { return };
    let config = DockerConfig { host: Some(socket.display().to_string()), ..DockerConfig::default() };
    let docker = Docker::connect(config).await.unwrap();
    assert!(docker.clusters().await.unwrap_err().retryable);
    std::os::unix::fs::symlink(real, &socket).unwrap();
    docker.clusters().await.unwrap();
    std::fs::remove_file(&socket).unwrap();
    assert!(docker.clusters().await.unwrap_err().retryable);
}

#[tokio::test]
async fn an_engine_that_cannot_be_looked_at_gives_nodes_what_it_can() {
    let Some(real) = support::socket() else { return };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = format!("tcp://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut engine = tokio::net::UnixStream::connect(&real).await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut client, &mut engine).await });
        }
    });
    let yard = Yard::with(|config| config.host = Some(host)).await;
    let cluster = cluster("remote");
    let nodes = [spec("remote-master-0", 0), spec("remote-worker-0", 1)];
    yard.docker.ensure_network(&cluster, Progress::ignored()).await.unwrap();
    let make = nodes.iter().map(|node| ensure(&yard.docker, &cluster, node));
    for machine in futures::future::try_join_all(make).await.unwrap() {
        let out = yard.exec(&machine.id, "mount -t tmpfs none /mnt && echo fine").await;
        assert_eq!(out, "fine\n");
    }
    assert_eq!(yard.containers().await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_hangs_gives_a_cause_that_passes_however_many_wait() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = format!("tcp://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut silent = Vec::new();
        while let Ok((client, _)) = listener.accept().await {
            silent.push(client);
        }
    });
    let docker = Docker::connect(DockerConfig { host: Some(host), ..DockerConfig::default() }).await.unwrap();
    let start = tokio::time::Instant::now();
    let calls = (0..10).map(|_| docker.observe(Uuid::new_v4()));
    for answer in futures::future::join_all(calls).await {
        let cause = answer.unwrap_err();
        assert_eq!((cause.code.as_str(), cause.retryable), ("infrastructure_unavailable", true));
    }
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_configuration_that_cannot_work_is_refused_at_once() {
    let pool = DockerConfig { address_pool: "10.89.0.0/25".parse().unwrap(), ..DockerConfig::default() };
    let host = DockerConfig { host: Some("gopher://engine".into()), ..DockerConfig::default() };
    for config in [pool, host] {
        let cause = Docker::connect(config).await.err().unwrap();
        assert_eq!((cause.code.as_str(), cause.who_must_act), ("infrastructure_configuration", WhoMustAct::Operator));
    }
}

#[tokio::test]
async fn agents_call_home_at_the_gateway_of_the_default_bridge_unless_told_otherwise() {
    let yard = Yard::new().await;
    let endpoint = yard.docker.agent_endpoint().await.unwrap();
    assert_eq!((endpoint.listen, endpoint.reach.port()), (endpoint.reach, yard.config.agent_port));
    std::net::TcpListener::bind((endpoint.listen.ip(), 0)).unwrap();

    let yard = Yard::with(|config| {
        config.agent_listen = Some("0.0.0.0:7000".parse().unwrap());
        config.agent_reach = Some("192.0.2.77:7001".parse().unwrap());
    })
    .await;
    let endpoint = yard.docker.agent_endpoint().await.unwrap();
    assert_eq!(endpoint.listen, "0.0.0.0:7000".parse().unwrap());
    assert_eq!(endpoint.reach, "192.0.2.77:7001".parse().unwrap());
}
