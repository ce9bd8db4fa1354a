//! Against real Docker Engines in swarm mode.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

// Each test binary uses its own part of it.
#[allow(dead_code)]
mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use jeroboam_engine::swarm::{Containers, NewContainer, Swarm};
use jeroboam_engine::{Access, Engine as _, WorkloadError};
use jeroboam_model::{Cluster, EngineKind, Health, NodeRole, Status};
use jeroboam_types::v1::Container;
use support::docker::{IMAGE, Site};
use support::{Authority, eventually};
use uuid::Uuid;

/// How long a container may take to get its status, on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);
/// Runs until SIGTERM, and then exits at once: `sleep` as a container's first process ignores signals.
const LASTING: &str = "sh -c 'trap exit TERM; sleep 1000 & wait'";
const PROJECT: &str = "0123456789abcdef0123456789abcdef";

fn access(site: &Site) -> Access {
    let admin = site.authority.issue("jeroboam", None, &[]);
    Access {
        cluster: Uuid::from_u128(1),
        api_address: site.engines[0].api_address(),
        masters: Vec::new(),
        ca: site.authority.certificate.clone(),
        certificate: admin.certificate,
        key: admin.key,
    }
}

fn init(site: &Site) {
    site.engines[0].docker(&["swarm", "init", "--advertise-addr", &site.engines[0].address.to_string()]);
}

fn join(site: &Site, role: &str) {
    let manager = &site.engines[0];
    let token = manager.docker(&["swarm", "join-token", "-q", role]);
    let [own, other] = [site.engines[1].address.to_string(), format!("{}:2377", manager.address)];
    site.engines[1].docker(&["swarm", "join", "--advertise-addr", &own, "--token", &token, &other]);
}

fn new(number: u128, name: Option<&str>, command: &str) -> NewContainer {
    NewContainer {
        uuid: Uuid::from_u128(number),
        name: name.map(ToOwned::to_owned),
        image: IMAGE.to_owned(),
        command: Some(command.to_owned()),
        ..NewContainer::default()
    }
}

/// The container once it has the status; panics when it gets another final status.
async fn until(containers: &Containers, ident: &str, status: &str) -> Container {
    eventually(LIMIT, async || {
        let container = containers.show(ident).await.map_err(|error| error.to_string())?;
        if container.status == status { Ok(container) } else { Err(format!("{container:?}")) }
    })
    .await
}

fn missing<T: std::fmt::Debug>(outcome: &Result<T, WorkloadError>) {
    assert!(matches!(outcome, Err(WorkloadError::NotFound(_))), "{outcome:?}");
}

/// Limit of the command that takes too long.
const BRIEF: Duration = Duration::from_secs(1);

async fn commands_that_take_too_long_are_ended(site: &Site, containers: &Containers) {
    let container = site.engines[0].docker(&["ps", "-q", "--filter", "ancestor=test/busybox:1"]);
    let processes = || site.engines[0].docker(&["top", &container, "-eo", "pid,args"]);
    // Its child processes are killed too, the container's own processes are not.
    let long = "sh -c 'echo begun; sleep 4711 & sleep 4712'";
    let during = async {
        eventually(LIMIT, async || {
            let running = processes();
            if running.contains("sleep 4711") && running.contains("sleep 4712") { Ok(()) } else { Err(running) }
        })
        .await;
    };
    let (outcome, ()) = tokio::join!(containers.exec("web", long, BRIEF), during);
    let Err(WorkloadError::TimedOut(said)) = outcome else { panic!("{outcome:?}") };
    assert!(said.contains("did not end within 1 s; it was ended") && said.contains("begun"), "{said}");
    let after = processes();
    assert!(!after.contains("sleep 471") && after.contains("sleep 1000"), "{after}");
    assert_eq!(containers.exec("web", "echo on", LIMIT).await.unwrap().output, "on\n");
}

#[tokio::test]
async fn containers_are_made_watched_and_removed() {
    let mut site = Site::start(1).await;
    init(&site);
    let access = access(&site);
    let swarm = Swarm::new();
    swarm.configure(&access, &cluster()).await.unwrap();
    swarm.configure(&access, &cluster()).await.unwrap();
    let networks = site.engines[0].docker(&["network", "ls", "--format", "{{.Name}}"]);
    assert_eq!(networks.lines().filter(|name| name.starts_with("project-")).count(), 1, "{networks}");

    let report = swarm.health(&access).await;
    assert_eq!(report.health, Health::Healthy, "{report:?}");
    assert_eq!((report.reason["api"].as_str(), report.reason["node1.Ready"].as_str()), ("ok", "True"));
    let nodes = swarm.nodes(&access).await.unwrap();
    assert_eq!((nodes.len(), nodes[0].name.as_str(), nodes[0].role), (1, "node1", NodeRole::Master));
    assert_eq!(nodes[0].version, report.version);

    let containers = swarm.containers(&access, PROJECT).await.unwrap();
    assert!(containers.list().await.unwrap().is_empty());
    let web = NewContainer {
        memory: Some("64m".to_owned()),
        environment: BTreeMap::from([("GREETING".to_owned(), "a=b c".to_owned())]),
        ..new(1, Some("web"), "sh -c 'echo \"to out\"; echo to err >&2; sleep 1000'")
    };
    let made = containers.create(&web).await.unwrap();
    assert_eq!(made.uuid, web.uuid.to_string());
    assert!(matches!(made.status.as_str(), "Pending" | "Running"), "{made:?}");
    let running = until(&containers, "web", "Running").await;
    assert_eq!((running.status_reason.as_deref(), running.host.as_deref()), (None, Some("node1")));
    assert_eq!((running.image.as_str(), running.memory.as_deref()), (IMAGE, Some("64m")));
    assert_eq!((running.command, running.environment), (web.command.clone(), web.environment.clone()));
    assert_eq!(containers.show(&made.uuid).await.unwrap().name.as_deref(), Some("web"));
    let limit = site.engines[0].docker(&["ps", "-q"]);
    assert_eq!(site.engines[0].docker(&["inspect", "-f", "{{.HostConfig.Memory}}", &limit]), "67108864");

    let said = containers.exec("web", "sh -c 'echo $GREETING; hostname; echo bad >&2; exit 3'", LIMIT).await.unwrap();
    assert_eq!(said.exit_code, Some(3));
    for part in ["a=b c\n", "bad\n", &made.uuid] {
        assert!(said.output.contains(part), "{}", said.output);
    }
    let said = containers.exec("web", "no-such-program", LIMIT).await.unwrap();
    assert!(said.exit_code.is_some_and(|code| code == 126 || code == 127), "{said:?}");
    commands_that_take_too_long_are_ended(&site, &containers).await;
    let log = eventually(LIMIT, async || {
        let log = containers.logs("web").await.unwrap().output;
        if log.contains("to out\n") && log.contains("to err\n") { Ok(log) } else { Err(log) }
    })
    .await;
    assert_eq!(log.lines().count(), 2, "{log}");

    assert!(matches!(containers.create(&new(2, Some("web"), "sleep 1")).await, Err(WorkloadError::Conflict(_))));
    assert!(matches!(containers.create(&new(3, None, "echo 'a")).await, Err(WorkloadError::Invalid { .. })));
    assert!(matches!(containers.exec("web", " ", LIMIT).await, Err(WorkloadError::Invalid { .. })));
    assert_eq!(containers.list().await.unwrap().len(), 1);

    // Containers that exit stay so, whatever their exit code.
    containers.create(&new(4, Some("good"), "echo done")).await.unwrap();
    containers.create(&new(5, Some("bad"), "sh -c 'exit 3'")).await.unwrap();
    containers.create(&new(6, Some("unstartable"), "no-such-program")).await.unwrap();
    let nope = NewContainer { image: "127.0.0.1:5000/nope:1".to_owned(), ..new(7, Some("nope"), "x") };
    containers.create(&nope).await.unwrap();
    let good = until(&containers, "good", "Stopped").await;
    assert_eq!(good.status_reason.as_deref(), Some("ended with exit code 0"));
    assert_eq!(containers.logs("good").await.unwrap().output, "done\n");
    let bad = until(&containers, "bad", "Stopped").await;
    assert_eq!(bad.status_reason.as_deref(), Some("ended with exit code 3"));
    let unstartable = until(&containers, "unstartable", "Error").await;
    assert!(unstartable.status_reason.as_deref().unwrap().contains("no-such-program"), "{unstartable:?}");
    let nope = until(&containers, "nope", "Error").await;
    assert_eq!(nope.status_reason.as_deref(), Some("No such image: 127.0.0.1:5000/nope:1"));
    assert_eq!(containers.logs("nope").await.unwrap().output, "");
    assert!(matches!(containers.exec("good", "echo", LIMIT).await, Err(WorkloadError::Conflict(_))));
    let listed: Vec<_> = containers.list().await.unwrap().into_iter().filter_map(|container| container.name).collect();
    assert_eq!(listed, ["web", "good", "bad", "unstartable", "nope"]);

    // Another project sees none of them.
    let others = swarm.containers(&access, "fedcba9876543210fedcba9876543210").await.unwrap();
    assert!(others.list().await.unwrap().is_empty());
    for ident in ["web", made.uuid.as_str()] {
        missing(&others.show(ident).await);
        missing(&others.logs(ident).await);
        missing(&others.exec(ident, "echo", LIMIT).await);
        missing(&others.delete(ident).await);
    }
    others.create(&new(8, Some("web"), LASTING)).await.unwrap();
    assert_eq!(containers.show("web").await.unwrap().uuid, made.uuid);

    containers.delete("web").await.unwrap();
    missing(&containers.show("web").await);
    missing(&containers.delete("../nodes").await);
    assert_eq!(others.list().await.unwrap().len(), 1);

    // Clients need a certificate of the cluster's CA, and so does the engine.
    let mut stranger = access.clone();
    let pair = Authority::new().issue("jeroboam", None, &[]);
    (stranger.certificate, stranger.key) = (pair.certificate, pair.key);
    assert!(matches!(swarm.containers(&stranger, PROJECT).await, Err(WorkloadError::Unreachable(_))));
    let mut impostor = access.clone();
    impostor.ca = Authority::new().certificate;
    assert_eq!(Swarm::new().health(&impostor).await.health, Health::Unhealthy);

    site.engines[0].kill();
    let report = swarm.health(&access).await;
    assert_eq!(report.health, Health::Unhealthy);
    let cause = swarm.nodes(&access).await.unwrap_err();
    assert_eq!((cause.code.as_str(), cause.retryable), ("engine_unavailable", true));
    assert!(matches!(containers.list().await, Err(WorkloadError::Unreachable(_))));
}

#[tokio::test]
async fn containers_move_when_their_node_is_drained_or_gone() {
    let mut site = Site::start(2).await;
    init(&site);
    join(&site, "manager");
    let access = access(&site);
    let swarm = Swarm::new();
    swarm.configure(&access, &cluster()).await.unwrap();
    let containers = swarm.containers(&access, PROJECT).await.unwrap();
    let nodes = eventually(LIMIT, async || match swarm.nodes(&access).await {
        Ok(nodes) if nodes.len() == 2 && nodes.iter().all(|node| node.ready) => Ok(nodes),
        other => Err(format!("{other:?}")),
    })
    .await;
    assert_eq!(nodes.iter().map(|node| node.name.as_str()).collect::<Vec<_>>(), ["node1", "node2"]);

    // Both are started on the first node, because the second is paused; one of them exits.
    site.engines[0].docker(&["node", "update", "--availability", "pause", "node2"]);
    containers.create(&new(1, Some("web"), LASTING)).await.unwrap();
    containers.create(&new(2, Some("ended"), "echo done")).await.unwrap();
    assert_eq!(until(&containers, "web", "Running").await.host.as_deref(), Some("node1"));
    until(&containers, "ended", "Stopped").await;
    site.engines[0].docker(&["node", "update", "--availability", "active", "node2"]);

    swarm.drain(&access, "node1").await.unwrap();
    swarm.drain(&access, "node1").await.unwrap();
    let moved = until(&containers, "web", "Running").await;
    assert_eq!(moved.host.as_deref(), Some("node2"));
    let ended = containers.show("ended").await.unwrap();
    assert_eq!((ended.status.as_str(), ended.host.as_deref()), ("Stopped", Some("node1")));
    assert!(swarm.nodes(&access).await.unwrap().iter().all(|node| node.ready), "a drained node is ready all the same");
    swarm.drain(&access, "nobody").await.unwrap();
    // Commands run on the container's node, which is not the manager that gets the request.
    let said = containers.exec("web", "echo here", LIMIT).await.unwrap();
    assert_eq!((said.output.as_str(), said.exit_code), ("here\n", Some(0)));

    // A manager is demoted before it is removed; its containers move back.
    site.engines[0].docker(&["node", "update", "--availability", "active", "node1"]);
    swarm.forget(&access, "node2").await.unwrap();
    swarm.forget(&access, "node2").await.unwrap();
    assert_eq!(swarm.nodes(&access).await.unwrap().len(), 1);
    eventually(LIMIT, async || match containers.show("web").await {
        Ok(container) if container.status == "Running" && container.host.as_deref() == Some("node1") => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;

    // It joins again as a worker, gets the container again, and fails.
    site.engines[1].docker(&["swarm", "leave", "--force"]);
    join(&site, "worker");
    swarm.drain(&access, "node1").await.unwrap();
    assert_eq!(until(&containers, "web", "Running").await.host.as_deref(), Some("node2"));
    site.engines[0].docker(&["node", "update", "--availability", "active", "node1"]);
    site.engines[1].kill();
    swarm.forget(&access, "node2").await.unwrap();
    eventually(LIMIT, async || match containers.show("web").await {
        Ok(container) if container.status == "Running" && container.host.as_deref() == Some("node1") => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    assert_eq!(swarm.health(&access).await.health, Health::Healthy);
}

fn cluster() -> Cluster {
    Cluster {
        uuid: Uuid::from_u128(1),
        project_id: PROJECT.to_owned(),
        user_id: "u".to_owned(),
        name: "c".to_owned(),
        template: Uuid::from_u128(2),
        engine: EngineKind::SWARM,
        keypair: None,
        docker_volume_size: None,
        labels: BTreeMap::new(),
        master_flavor_id: None,
        flavor_id: None,
        create_timeout: None,
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
        engine_version: None,
        container_version: None,
        created_at: jiff::Timestamp::UNIX_EPOCH,
        updated_at: None,
    }
}
