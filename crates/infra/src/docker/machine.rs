//! Creates, fills, starts and removes a node's container.
//!
//! An interruption at any point leaves one of these states, from which the next call continues:
//!
//! | found | action |
//! |---|---|
//! | nothing | creates the disk and the container |
//! | a disk without container | creates a container on that disk: the node keeps its data |
//! | a container that was never started | removes it: it is not known whether and with which token it was filled |
//! | a container that runs | leaves it: it was started, so it was filled before |
//! | a container that runs without a network | creates another one on the same disk |
//! | a container that is paused | unpauses it |
//! | a container that has stopped | starts it; if the engine cannot, creates another one on the same disk |
//!
//! There is never a second one, since names are unique at the engine.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use bollard::models::{ContainerCreateBody, ContainerSummary};
use bollard::query_parameters::{
    CreateContainerOptions, InspectContainerOptions, RestartContainerOptions, UploadToContainerOptions,
};
use jeroboam_model::plan::MachineState;
use jeroboam_model::{Cause, CauseExt, Code};
use uuid::Uuid;

use super::body::Place;
use super::capabilities::Grant;
use super::cause::Failure;
use super::engine::{CHANGE, Engine, LOOK};
use super::upload::{self, Agent};
use super::{Docker, body, container, image, labels, network, subnet, volume};
use crate::{ClusterRef, Machine, MachineSpec, Progress, Result};

/// Interval and number of attempts when the name is taken but the container is not the one that we need: an interrupted
/// call is still creating or removing it. The engine takes a second or two for that.
const NAME_INTERVAL: Duration = Duration::from_millis(250);
const NAME_ATTEMPTS: usize = 40;

/// Ensures that the node has a running container.
pub(super) async fn ensure(
    docker: &Docker,
    engine: &Engine,
    cluster: &ClusterRef,
    spec: &MachineSpec,
    progress: &Progress,
) -> Result<Machine> {
    let _making = docker.nodes.lock(spec.node).await;
    let name = labels::container_name(cluster.uuid, &spec.name);
    for _ in 0..NAME_ATTEMPTS {
        let there = container::list(engine, labels::node_is(docker, cluster.uuid, spec.node)).await?;
        match go_on(engine, spec, there.clone(), progress).await? {
            GoOn::Runs(machine) => return Ok(machine),
            GoOn::Changed => {
                tokio::time::sleep(NAME_INTERVAL).await;
                continue;
            }
            GoOn::Cannot => {
                if !there.is_empty() {
                    progress.of_machine(spec.node, "removing a container that cannot be started");
                }
                container::remove_all(engine, &there).await?;
            }
        }
        match make(docker, engine, cluster, spec, &name, progress).await? {
            Some(machine) => return Ok(machine),
            None => {
                progress.of_machine(spec.node, format!("waiting until the engine is done with an earlier {name}"));
                stranger(engine, cluster, spec, &name).await?;
            }
        }
        tokio::time::sleep(NAME_INTERVAL).await;
    }
    Err(Cause::passing(
        Code::InfrastructureBusy,
        format!(
            "Starting {}: the Docker Engine is still busy with an earlier container of the name {name}.",
            spec.name
        ),
        "Nothing: it is retried automatically.",
    ))
}

/// Result of continuing a node's existing container.
enum GoOn {
    /// It runs.
    Runs(Machine),
    /// It was changed concurrently: look again.
    Changed,
    /// None has ever run, or the engine cannot start it: another one is needed.
    Cannot,
}

/// Continues the node's container: the one that runs or the oldest, if there are several.
async fn go_on(
    engine: &Engine,
    spec: &MachineSpec,
    mut there: Vec<ContainerSummary>,
    progress: &Progress,
) -> Result<GoOn> {
    there.sort_by_key(|container| (container::state(container) != MachineState::Running, container.created));
    for container in &there {
        let machine = container::machine(container);
        let done = match machine.state {
            MachineState::Running => Ok(()),
            MachineState::Created | MachineState::CutOff => continue,
            MachineState::Paused => {
                progress.of_machine(spec.node, "unpausing the container");
                let call = engine.docker.unpause_container(&machine.id);
                engine.call(format!("Unpausing the container of {}", spec.name), CHANGE, call).await
            }
            MachineState::Stopped => {
                progress.of_machine(spec.node, "starting the container that had stopped");
                let call = engine.docker.start_container(&machine.id, None);
                engine.call(format!("Starting the container of {}", spec.name), CHANGE, call).await
            }
        };
        match done {
            Ok(()) => return Ok(GoOn::Runs(Machine { state: MachineState::Running, ..machine })),
            Err(failure) if failure.says("no such container") || failure.says("is not paused") => {
                return Ok(GoOn::Changed);
            }
            Err(failure) => {
                let is_paused = machine.state == MachineState::Paused;
                let network_gone = failure.is_gone();
                let cause: Cause = failure.into();
                if is_paused || (cause.retryable && !network_gone) {
                    return Err(cause);
                }
                // Its network is gone, or one of its files is broken: another container on the same disk may work.
                tracing::warn!(container = machine.id, cause = cause.one_line(), "cannot be started, is recreated");
            }
        }
    }
    Ok(GoOn::Cannot)
}

/// Seconds that a container has to stop before it is killed.
const STOP: i32 = 5;

/// Restarts the node's container. A paused one cannot be stopped and is unpaused first.
pub(super) async fn restart(docker: &Docker, engine: &Engine, cluster: Uuid, node: Uuid) -> Result<()> {
    let _restarting = docker.nodes.lock(node).await;
    for container in container::list(engine, labels::node_is(docker, cluster, node)).await? {
        let machine = container::machine(&container);
        let doing = format!("Restarting the container {:.12}", machine.id);
        if machine.state == MachineState::Paused {
            let call = engine.docker.unpause_container(&machine.id);
            engine.call(doing.clone(), CHANGE, call).await?;
        }
        let options = RestartContainerOptions { t: Some(STOP), ..RestartContainerOptions::default() };
        match engine.call(doing, CHANGE, engine.docker.restart_container(&machine.id, Some(options))).await {
            Ok(()) => {}
            Err(failure) if failure.is_gone() => {}
            Err(failure) => return Err(failure.into()),
        }
    }
    Ok(())
}

/// Ensures that the node has no container and no volume.
pub(super) async fn remove(
    docker: &Docker,
    engine: &Engine,
    cluster: Uuid,
    node: Uuid,
    progress: &Progress,
) -> Result<()> {
    let _removing = docker.nodes.lock(node).await;
    let filters = || labels::node_is(docker, cluster, node);
    let there = container::list(engine, filters()).await?;
    progress.of_machine(node, "removing the container");
    container::remove_all(engine, &there).await?;
    progress.of_machine(node, "removing its volume");
    volume::remove_all(engine, filters()).await
}

/// Creates, fills and starts the container; `None` when another one has the name.
async fn make(
    docker: &Docker,
    engine: &Engine,
    cluster: &ClusterRef,
    spec: &MachineSpec,
    name: &str,
    progress: &Progress,
) -> Result<Option<Machine>> {
    let Some((network, subnet)) = network::of_cluster(docker, engine, cluster.uuid).await? else {
        return Err(Cause::passing(
            Code::NetworkMissing,
            format!("Starting {}: the cluster's network is gone.", spec.name),
            "Retry: the network is then recreated.",
        ));
    };
    let address = subnet::address(subnet, spec.slot)?;
    progress.of_machine(spec.node, "creating the volume");
    let disk = volume::ensure(docker, engine, cluster, spec).await?;
    let place = Place { network, address, disk };
    let mut grant = engine.grant();
    loop {
        let body = body::build(docker, engine, cluster, spec, &place, &grant)?;
        match Box::pin(make_one(docker, engine, spec, name, body, progress)).await {
            Ok(id) => return Ok(Some(machine(id, address, cluster))),
            Err(NotMade::NameTaken) => return Ok(None),
            Err(NotMade::Refused(failure)) if grant == Grant::Privileged && failure.is_lack_of_privilege() => {
                grant = engine.give_less();
            }
            Err(NotMade::Refused(failure)) => return Err(failure.into()),
            Err(NotMade::Other(cause)) => return Err(cause),
        }
    }
}

fn machine(id: String, address: Ipv4Addr, cluster: &ClusterRef) -> Machine {
    Machine { id, state: MachineState::Running, address: Some(IpAddr::V4(address)), number: cluster.number }
}

/// Why the container was not created.
enum NotMade {
    NameTaken,
    /// The engine refused; it may accept a container with fewer privileges.
    Refused(Failure),
    Other(Cause),
}

async fn make_one(
    docker: &Docker,
    engine: &Engine,
    spec: &MachineSpec,
    name: &str,
    body: ContainerCreateBody,
    progress: &Progress,
) -> std::result::Result<String, NotMade> {
    let agent = Agent::open(&docker.config.agent_binary).await.map_err(NotMade::Other)?;
    let options = CreateContainerOptions { name: Some(name.to_owned()), ..CreateContainerOptions::default() };
    progress.of_machine(spec.node, "creating the container");
    let create = engine.docker.create_container(Some(options), body);
    let id = match engine.call(format!("Creating the container of {}", spec.name), CHANGE, create).await {
        Ok(made) => made.id,
        Err(failure) if failure.is(409) && failure.says("is already in use by container") => {
            return Err(NotMade::NameTaken);
        }
        Err(failure) if failure.is(404) && failure.says("no such image") => {
            return Err(NotMade::Other(image::missing(engine, &image::reference(&spec.image)).await));
        }
        Err(failure) => return Err(NotMade::Refused(failure)),
    };
    // From here on by id and not by name: if this container was removed and another one created concurrently, that one
    // is left alone.
    match fill_and_start(engine, spec, &id, agent, progress).await {
        Ok(()) => Ok(id),
        Err(failure) => {
            if let Err(cause) = container::remove(engine, &id).await {
                tracing::debug!(container = id, cause = cause.one_line(), "left behind: the next attempt removes it");
            }
            Err(NotMade::Refused(failure))
        }
    }
}

async fn fill_and_start(
    engine: &Engine,
    spec: &MachineSpec,
    id: &str,
    agent: Agent,
    progress: &Progress,
) -> std::result::Result<(), Failure> {
    let doing = format!("Putting the agent into the container of {}", spec.name);
    let archive = match upload::archive(agent, &spec.bootstrap) {
        Ok(archive) => bollard::body_try_stream(archive),
        Err(err) => return Err(Failure { doing, error: err.into() }),
    };
    let options = UploadToContainerOptions { path: "/".to_owned(), ..UploadToContainerOptions::default() };
    progress.of_machine(spec.node, "copying the agent into the container");
    engine.call(doing, CHANGE, engine.docker.upload_to_container(id, Some(options), archive)).await?;
    progress.of_machine(spec.node, "starting the container");
    let start = engine.docker.start_container(id, None);
    engine.call(format!("Starting the container of {}", spec.name), CHANGE, start).await
}

/// An error if the container with the name is not the node's: such containers are left alone.
async fn stranger(engine: &Engine, cluster: &ClusterRef, spec: &MachineSpec, name: &str) -> Result<()> {
    let look = engine.docker.inspect_container(name, None::<InspectContainerOptions>);
    let found = match engine.call(format!("Looking at the container {name}"), LOOK, look).await {
        Ok(found) => found,
        // A name is taken before its container can be inspected, and freed after the container is gone.
        Err(failure) if failure.is_gone() => return Ok(()),
        Err(failure) => return Err(failure.into()),
    };
    let marks = found.config.and_then(|config| config.labels).unwrap_or_default();
    let is = |label, id| labels::id(Some(&marks), label) == Some(id);
    if is(labels::CLUSTER, cluster.uuid) && is(labels::NODE, spec.node) {
        return Ok(());
    }
    let id = found.id.unwrap_or_default();
    Err(Cause::operator(
        Code::NameConflict,
        format!("Starting {}: a container that is not the node's has the name {name}.", spec.name),
        format!("Remove or rename it (`docker rm -f {id:.12}`)."),
    ))
}
