//! Machines: creation, recreation, content and capabilities.

use std::net::IpAddr;
use std::time::Duration;

use bollard::query_parameters::{KillContainerOptions, RemoveContainerOptions};
use jeroboam_infra::docker::Docker;
use jeroboam_infra::{Infrastructure, Progress};
use jeroboam_model::WhoMustAct;
use jeroboam_model::plan::MachineState;
use uuid::Uuid;

use crate::support::{self, TOKEN, Yard, cluster, ensure, remove, spec};

#[tokio::test]
async fn ensuring_twice_makes_one_network_and_one_machine() {
    let yard = Yard::new().await;
    let (cluster, node) = (cluster("twice"), spec("twice-master-0", 3));
    let network = yard.docker.ensure_network(&cluster, Progress::ignored()).await.unwrap();
    assert_eq!(yard.docker.ensure_network(&cluster, Progress::ignored()).await.unwrap(), network);
    let machine = ensure(&yard.docker, &cluster, &node).await.unwrap();
    assert_eq!(ensure(&yard.docker, &cluster, &node).await.unwrap(), machine);

    let observation = yard.docker.observe(cluster.uuid).await.unwrap();
    assert_eq!(observation.network, Some(network));
    assert_eq!(observation.machines.into_iter().collect::<Vec<_>>(), [(node.node, machine.clone())]);
    assert_eq!(observation.strays, Vec::<String>::new());
    assert_eq!(machine.state, MachineState::Running);
    let Some(IpAddr::V4(address)) = machine.address else { panic!("no IPv4 address: {machine:?}") };
    assert_eq!(address.octets()[3], 13, "slot 3 comes 3 after the first one, which is 10");
}

#[tokio::test]
async fn ensuring_at_once_makes_one_network_and_one_machine() {
    let yard = Yard::new().await;
    let other = Docker::connect(yard.config.clone()).await.unwrap();
    let (cluster, node) = (cluster("at-once"), spec("at-once-master-0", 0));
    // Two tasks of one process and one of another.
    let (a, b, c) = futures::try_join!(
        yard.docker.ensure_network(&cluster, Progress::ignored()),
        yard.docker.ensure_network(&cluster, Progress::ignored()),
        other.ensure_network(&cluster, Progress::ignored()),
    )
    .unwrap();
    assert!(a == b && b == c, "{a:?} {b:?} {c:?}");
    assert_eq!(yard.networks().await.len(), 1);

    let (a, b) =
        futures::try_join!(ensure(&yard.docker, &cluster, &node), ensure(&yard.docker, &cluster, &node),).unwrap();
    assert_eq!(a, b);
    assert_eq!(yard.containers().await.len(), 1);
}

#[tokio::test]
async fn a_killed_machine_is_stopped_says_how_it_ended_and_is_started_with_its_disk() {
    let yard = Yard::new().await;
    let (cluster, node) = (cluster("killed"), spec("killed-master-0", 0));
    yard.docker.ensure_network(&cluster, Progress::ignored()).await.unwrap();
    let first = ensure(&yard.docker, &cluster, &node).await.unwrap();
    yard.until_log(&first.id, "agent: up").await;
    yard.exec(&first.id, "echo old >/var/lib/data").await;
    yard.engine.kill_container(&first.id, None::<KillContainerOptions>).await.unwrap();
    let stopped = yard.until_state(&cluster, node.node, MachineState::Stopped).await;
    assert_eq!(stopped.id, first.id);

    let diagnosis = yard.docker.diagnose(cluster.uuid, node.node).await.unwrap().unwrap();
    assert_eq!(diagnosis.state, MachineState::Stopped);
    assert!(diagnosis.summary.contains("exit code 137 (killed)"), "{}", diagnosis.summary);
    assert_eq!(diagnosis.log, ["agent: up"]);

    assert_eq!(ensure(&yard.docker, &cluster, &node).await.unwrap(), first);
    assert_eq!(yard.exec(&first.id, "cat /var/lib/data").await, "old\n");
    assert_eq!((yard.containers().await.len(), yard.volumes().await.len()), (1, 1));
}

#[tokio::test]
async fn a_machine_that_somebody_removed_is_made_anew_on_its_disk() {
    let yard = Yard::new().await;
    let (cluster, node) = (cluster("removed"), spec("removed-master-0", 0));
    yard.docker.ensure_network(&cluster, Progress::ignored()).await.unwrap();
    let first = ensure(&yard.docker, &cluster, &node).await.unwrap();
    yard.exec(&first.id, "echo old >/var/lib/data").await;
    // As `docker rm --force --volumes` does.
    let options = RemoveContainerOptions { v: true, force: true, ..RemoveContainerOptions::default() };
    yard.engine.remove_container(&first.id, Some(options)).await.unwrap();
    let observation = yard.docker.observe(cluster.uuid).await.unwrap();
    assert!(observation.machines.is_empty() && observation.disks.contains(&node.node), "{observation:?}");

    let second = ensure(&yard.docker, &cluster, &node).await.unwrap();
    assert_ne!(second.id, first.id);
    assert_eq!((second.state, second.address), (MachineState::Running, first.address));
    assert_eq!(yard.exec(&second.id, "cat /var/lib/data").await, "old\n");
    assert_eq!((yard.containers().await.len(), yard.volumes().await.len()), (1, 1));

    remove(&yard.docker, cluster.uuid, node.node).await.unwrap();
    assert_eq!((yard.containers().await.len(), yard.volumes().await.len()), (0, 0));
    let third = ensure(&yard.docker, &cluster, &node).await.unwrap();
    assert!(!yard.exec(&third.id, "cat /var/lib/data 2>&1 || true").await.contains("old"), "removed on purpose");
}

#[tokio::test]
async fn a_machine_that_cannot_be_started_again_is_made_anew_on_its_disk() {
    let yard = Yard::new().await;
    let (cluster, node) = (cluster("unnetted"), spec("unnetted-master-0", 0));
    yard.docker.ensure_network(&cluster, Progress::ignored()).await.unwrap();
    let first = ensure(&yard.docker, &cluster, &node).await.unwrap();
    yard.exec(&first.id, "echo old >/var/lib/data").await;
    yard.engine.kill_container(&first.id, None::<KillContainerOptions>).await.unwrap();
    yard.until_state(&cluster, node.node, MachineState::Stopped).await;
    // Its network is removed, and a new one is created.
    let (network, _) = yard.networks().await.remove(0);
    yard.engine.remove_network(&network).await.unwrap();
    assert!(yard.engine.start_container(&first.id, None).await.is_err(), "the fault is real");

    yard.docker.ensure_network(&cluster, Progress::ignored()).await.unwrap();
    let second = ensure(&yard.docker, &cluster, &node).await.unwrap();
    assert_ne!(second.id, first.id);
    assert_eq!(yard.exec(&second.id, "cat /var/lib/data").await, "old\n");
    assert_eq!((yard.containers().await.len(), yard.volumes().await.len()), (1, 1));
}

#[tokio::test]
async fn a_paused_machine_is_seen_and_goes_on_as_it_was() {
    let yard = Yard::new().await;
    let (cluster, node) = (cluster("paused"), spec("paused-worker-0", 0));
    yard.docker.ensure_network(&cluster, Progress::ignored()).await.unwrap();
    let machine = ensure(&yard.docker, &cluster, &node).await.unwrap();
    yard.engine.pause_container(&machine.id).await.unwrap();
    yard.until_state(&cluster, node.node, MachineState::Paused).await;
    let diagnosis = yard.docker.diagnose(cluster.uuid, node.node).await.unwrap().unwrap();
    assert!(diagnosis.summary.ends_with("is paused"), "{diagnosis:?}");
    assert_eq!(ensure(&yard.docker, &cluster, &node).await.unwrap(), machine);
    yard.until_state(&cluster, node.node, MachineState::Running).await;
}

#[tokio::test]
async fn a_machine_that_was_made_but_never_started_is_made_again_with_the_agent_in_it() {
    let yard = Yard::new().await;
    let (cluster, node) = (cluster("unstarted"), spec("unstarted-master-0", 0));
    yard.docker.ensure_network(&cluster, Progress::ignored()).await.unwrap();
    let name = format!("jeroboam-{}-{}", &cluster.uuid.simple().to_string()[..8], node.name);
    let marks = yard.marks(cluster.uuid, Some(node.node));
    let empty = yard.container(&name, marks).await;
    let observation = yard.docker.observe(cluster.uuid).await.unwrap();
    assert_eq!(observation.machines[&node.node].state, MachineState::Created);

    let machine = ensure(&yard.docker, &cluster, &node).await.unwrap();
    assert_ne!(machine.id, empty);
    yard.until_log(&machine.id, "agent: up").await;
    assert_eq!(yard.containers().await.len(), 1);
}

#[tokio::test]
async fn cut_off_at_any_moment_the_next_try_ends_with_one_running_machine() {
    let yard = Yard::new().await;
    let (cluster, node) = (cluster("cut-off"), spec("cut-off-master-0", 0));
    // From before the network is requested to after the container has been started, which takes half a second here.
    for milliseconds in (0..800).step_by(65) {
        // Another process: it does not know what the previous one did, and does not wait for its locks.
        let process = Docker::connect(yard.config.clone()).await.unwrap();
        let work = async {
            process.ensure_network(&cluster, Progress::ignored()).await?;
            ensure(&process, &cluster, &node).await
        };
        let cut = tokio::time::timeout(Duration::from_millis(milliseconds), work).await;
        yard.docker.ensure_network(&cluster, Progress::ignored()).await.unwrap();
        let machine = ensure(&yard.docker, &cluster, &node).await.unwrap();
        yard.until_log(&machine.id, "agent: up").await;
        let (containers, networks) = (yard.containers().await, yard.networks().await);
        assert_eq!((containers.len(), networks.len()), (1, 1), "cut off after {milliseconds} ms: {cut:?}");
        remove(&yard.docker, cluster.uuid, node.node).await.unwrap();
        yard.docker.remove_network(cluster.uuid, Progress::ignored()).await.unwrap();
        assert_eq!(yard.docker.clusters().await.unwrap(), Vec::<Uuid>::new(), "cut off after {milliseconds} ms");
    }
}

#[tokio::test]
async fn a_name_that_a_stranger_has_is_a_conflict_and_the_stranger_stays() {
    let yard = Yard::new().await;
    let (cluster, node) = (cluster("conflict"), spec("conflict-master-0", 0));
    yard.docker.ensure_network(&cluster, Progress::ignored()).await.unwrap();
    let name = format!("jeroboam-{}-{}", &cluster.uuid.simple().to_string()[..8], node.name);
    let stranger = yard.container(&name, yard.guest_marks()).await;
    let cause = ensure(&yard.docker, &cluster, &node).await.unwrap_err();
    assert_eq!((cause.code.as_str(), cause.retryable), ("name_conflict", false));
    assert!(cause.action.contains(&stranger[..12]), "{}", cause.action);
    assert!(yard.engine.inspect_container(&stranger, None).await.is_ok());
}

#[tokio::test]
async fn the_token_is_in_a_file_that_only_root_reads_and_nowhere_that_inspect_shows() {
    let yard = Yard::new().await;
    let (cluster, node) = (cluster("secret"), spec("secret-master-0", 0));
    yard.docker.ensure_network(&cluster, Progress::ignored()).await.unwrap();
    let machine = ensure(&yard.docker, &cluster, &node).await.unwrap();
    let inspected = yard.engine.inspect_container(&machine.id, None).await.unwrap();
    let shown = serde_json::to_string(&inspected).unwrap();
    assert!(shown.contains(&node.node.to_string()) && !shown.contains(TOKEN), "{shown}");
    let file =
        yard.exec(&machine.id, "stat -c '%a %u:%g' /etc/jeroboam/node.json && cat /etc/jeroboam/node.json").await;
    assert_eq!(file.trim(), format!("600 0:0\n{}", node.bootstrap));
}

#[tokio::test]
async fn a_node_may_do_what_its_components_need() {
    let yard = Yard::new().await;
    let (cluster, node) = (cluster("able"), spec("able-master-0", 0));
    yard.docker.ensure_network(&cluster, Progress::ignored()).await.unwrap();
    let machine = ensure(&yard.docker, &cluster, &node).await.unwrap();
    for (what, command) in [
        ("mounts", "mkdir /tmp/m && mount -t tmpfs none /tmp/m && umount /tmp/m"),
        (
            "layered file systems under /var",
            "cd /var && mkdir l u w m && mount -t overlay o -o lowerdir=l,upperdir=u,workdir=w m",
        ),
        ("programs on /run", "cp /bin/true /run/x && /run/x"),
        ("programs on /tmp", "cp /bin/true /tmp/x && /tmp/x"),
        ("network devices", "ip link add v0 type veth peer name v1 && ip link del v0"),
        ("packet filters", "iptables -t nat -N PROBE && iptables -t nat -X PROBE"),
        ("network namespaces", "ip netns add n && ip netns del n"),
        ("kernel parameters", "echo 1 >/proc/sys/net/ipv4/ip_forward"),
        ("devices", "mknod /var/d c 1 3 && echo x >/var/d"),
    ] {
        let out = yard.exec(&machine.id, &format!("set -e; ({command}) 2>&1; echo fine")).await;
        assert!(out.ends_with("fine\n"), "{what}: {out}");
    }
}

#[tokio::test]
async fn a_machine_that_cannot_be_started_leaves_no_container() {
    let yard = Yard::new().await;
    let (cluster, node) = (cluster("taken"), spec("taken-master-0", 0));
    let network = yard.docker.ensure_network(&cluster, Progress::ignored()).await.unwrap();
    // A container that is not ours has the address of slot 0.
    let guest = yard.container("taken-guest", yard.guest_marks()).await;
    yard.engine.start_container(&guest, None).await.unwrap();
    let (_, subnet) = yard.networks().await.remove(0);
    let address = subnet.replace(".0/24", ".10");
    yard.attach(&guest, &network.id, &address).await;

    let cause = ensure(&yard.docker, &cluster, &node).await.unwrap_err();
    assert_eq!((cause.code.as_str(), cause.retryable), ("address_in_use", true), "{cause:?}");
    std::fs::remove_file(&yard.config.agent_binary).unwrap();
    let cause = ensure(&yard.docker, &cluster, &node).await.unwrap_err();
    assert_eq!((cause.code.as_str(), cause.who_must_act), ("agent_binary_missing", WhoMustAct::Operator));
    assert_eq!(yard.containers().await.len(), 0);
}

#[tokio::test]
async fn a_machine_needs_its_network_and_an_address_on_it() {
    let yard = Yard::new().await;
    let (cluster, mut node) = (cluster("lonely"), spec("lonely-master-0", 0));
    let cause = ensure(&yard.docker, &cluster, &node).await.unwrap_err();
    assert_eq!((cause.code.as_str(), cause.retryable), ("network_missing", true));
    yard.docker.ensure_network(&cluster, Progress::ignored()).await.unwrap();
    node.slot = 10_000;
    let cause = ensure(&yard.docker, &cluster, &node).await.unwrap_err();
    assert_eq!((cause.code.as_str(), cause.who_must_act), ("too_many_nodes", WhoMustAct::User));
}

#[tokio::test]
async fn an_agent_that_keeps_ending_is_told_from_one_that_runs() {
    let yard = Yard::new().await;
    let (cluster, node) = (cluster("crashing"), spec("crashing-master-0", 0));
    yard.docker.ensure_network(&cluster, Progress::ignored()).await.unwrap();
    std::fs::write(&yard.config.agent_binary, "#!/bin/sh\necho no luck; exit 3\n").unwrap();
    ensure(&yard.docker, &cluster, &node).await.unwrap();
    let diagnosis = support::until("the container is started again", async || {
        let diagnosis = yard.docker.diagnose(cluster.uuid, node.node).await.unwrap().unwrap();
        diagnosis.summary.contains("keeps ending with exit code 3").then_some(diagnosis)
    })
    .await;
    assert_eq!(diagnosis.state, MachineState::Running);
    assert!(diagnosis.log.iter().all(|line| line == "no luck") && !diagnosis.log.is_empty(), "{diagnosis:?}");
    assert_eq!(yard.docker.diagnose(cluster.uuid, Uuid::new_v4()).await.unwrap(), None);
}
