//! A Docker Engine in swarm mode.

pub mod address_space;
pub mod api;
pub mod dockerd;
mod joined;
pub mod membership;
pub mod nodes;

use std::time::Duration;

use jeroboam_types::agent::{
    Assignment, CertificateProfile, ComponentState, NodeRole, SwarmAssignment, SwarmMembership,
};

use self::address_space::AddressSpace;
use self::api::Api;
use self::membership::{Engine, Membership};
use crate::fault::{Code, Fault};
use crate::images::{self, Runtime};
use crate::machine::volume;
use crate::tools::{Tools, patiently};
use crate::{certificates, registry, renewal};

/// Name of this part of the agent in reports.
const NAME: &str = "swarm";

/// Interval of checks of a running swarm. A removed node is detected within this time.
const LOOK: Duration = Duration::from_secs(5);

/// Within this time the exit of the engine is noticed.
const NOTICED: Duration = Duration::from_millis(250);

/// Makes the machine the swarm node of this assignment. Returns only on failure.
///
/// # Errors
/// The reason of a failure.
pub async fn run(tools: &Tools, assignment: &Assignment, swarm: &SwarmAssignment) -> Result<(), Fault> {
    let names = components(assignment);
    tools.board.begin(assignment.revision, &names);
    tools.supervisor.keep_only(&names).await;
    loop {
        tokio::select! {
            ended = bring_up(tools, assignment, swarm) => return ended,
            // The agent itself must reload the files that have changed.
            () = renewal::renewed(|| ensure_certificates(tools, assignment, swarm)) => {}
        }
    }
}

async fn ensure_certificates(tools: &Tools, assignment: &Assignment, swarm: &SwarmAssignment) -> Result<bool, Fault> {
    let mut profiles = vec![CertificateProfile::DockerServer];
    profiles.extend(registry::profiles(assignment));
    certificates::ensure(&tools.home, profiles, &[("ca.crt", &swarm.ca)]).await
}

async fn bring_up(tools: &Tools, assignment: &Assignment, swarm: &SwarmAssignment) -> Result<(), Fault> {
    let Tools { board, supervisor, .. } = tools;
    board.starting(certificates::NAME);
    ensure_certificates(tools, assignment, swarm).await?;
    board.up(certificates::NAME);
    registry::start(tools, assignment).await?;
    if let Some(size) = assignment.container_volume {
        volume::ensure(board, size, dockerd::DATA).await?;
    }
    let space = address_space(tools, assignment)?;
    supervisor.ensure(dockerd::spec(assignment, space), dockerd::probe()).await;
    supervisor.ready(dockerd::NAME).await;
    let api = Api::open(board, assignment, swarm).await?;
    board.authorities(assignment.authorities);
    let engine = Engine::new().map_err(|why| Fault::permanent(Code::SwarmFailed, NAME, why))?;
    if let Some(version) = engine.version().await {
        board.component(dockerd::NAME, |component| component.version = Some(version.clone()));
        board.facts(|facts| {
            facts.runtime = Some(format!("docker {version}"));
            facts.engine = Some(version);
        });
    }
    let api = async {
        api.serve().await;
        Ok(())
    };
    let registry = async {
        patiently(board, || registry::gateway(board, assignment)).await;
        Ok(())
    };
    let images = async {
        if swarm.membership == Some(SwarmMembership::Init) {
            // All nodes wait for the tokens of the first manager; unpacking images meanwhile would delay that.
            supervisor.ready(NAME).await;
        }
        load_images(tools).await
    };
    let nodes = async {
        if assignment.role == NodeRole::Master {
            supervisor.ready(NAME).await;
            nodes::follow(&engine, board).await;
        }
        Ok(())
    };
    tokio::try_join!(images, join(tools, &engine, assignment, swarm.membership.as_ref(), space), api, registry, nodes)?;
    Ok(())
}

/// Names of all components of the node, in the order of their dependencies.
fn components(assignment: &Assignment) -> Vec<&'static str> {
    let mut names = vec![certificates::NAME];
    names.extend(assignment.container_volume.map(|_| volume::NAME));
    names.extend([dockerd::NAME, api::NAME, images::NAME, NAME]);
    names.extend(registry::components(assignment));
    names
}

/// Address ranges for the engine's networks that contain neither the API server nor a node.
fn address_space(tools: &Tools, assignment: &Assignment) -> Result<AddressSpace, Fault> {
    let mut taken: Vec<_> = assignment.peers.iter().map(|peer| peer.address).collect();
    taken.push(assignment.address);
    taken.extend(tools.home.address());
    AddressSpace::avoiding(&taken)
        .ok_or_else(|| Fault::permanent(Code::MachineUnfit, dockerd::NAME, "no addresses for the engine's networks"))
}

async fn load_images(tools: &Tools) -> Result<(), Fault> {
    if tools.board.is_up(images::NAME) {
        return Ok(());
    }
    tools.board.starting(images::NAME);
    images::import_others(Runtime::Docker).await?;
    tools.board.up(images::NAME);
    Ok(())
}

/// Initializes or joins the swarm, and then checks that the node remains part of it.
async fn join(
    tools: &Tools,
    engine: &Engine,
    assignment: &Assignment,
    membership: Option<&SwarmMembership>,
    space: AddressSpace,
) -> Result<(), Fault> {
    let board = &tools.board;
    let failed = |message: String| Fault::passing(Code::SwarmFailed, NAME, message);
    // Without a membership, wait for a newer revision.
    let Some(membership) = membership else { return Ok(()) };
    board.starting(NAME);
    let joined = joined::Keeper::default();
    if let SwarmMembership::Join { token, .. } = membership
        && joined.is_another(assignment.attempt, token)
        && engine.membership().await.map_err(failed)?.state != "inactive"
    {
        tracing::warn!("the swarm of this engine no longer exists: it leaves it and joins the recreated one");
        engine.leave().await.map_err(failed)?;
    }
    loop {
        let now = match engine.membership().await {
            Ok(now) => now,
            Err(why) => {
                tokio::time::sleep(NOTICED).await;
                if board.is_up(dockerd::NAME) {
                    return Err(failed(why));
                }
                // The engine has exited: its supervisor reports that, and restarts it.
                tools.supervisor.ready(dockerd::NAME).await;
                continue;
            }
        };
        if matches!(membership, SwarmMembership::Join { .. }) && was_removed(tools, &now) {
            tracing::warn!("this node was removed from the swarm: its engine leaves it and joins it again");
            board.component(NAME, |component| component.state = ComponentState::Starting);
            engine.leave().await.map_err(failed)?;
            continue;
        }
        match now.state.as_str() {
            "active" => {
                match membership {
                    SwarmMembership::Init => board.swarm(engine.tokens().await.map_err(failed)?),
                    SwarmMembership::Join { token, .. } => {
                        joined.keep(assignment.attempt, token).map_err(|error| failed(error.to_string()))?;
                    }
                }
                board.up(NAME);
                tokio::time::sleep(LOOK).await;
            }
            "inactive" => match membership {
                SwarmMembership::Init => engine.init(assignment.address, space.overlay).await.map_err(failed)?,
                SwarmMembership::Join { token, managers } => {
                    engine.join(assignment.address, token, managers).await.map_err(failed)?;
                }
            },
            "pending" => tokio::time::sleep(Duration::from_millis(100)).await,
            other => {
                return Err(failed(format!("the engine reports the swarm state {other:?}")));
            }
        }
    }
}

/// Whether somebody removed the node from the swarm (`docker node rm --force`). Its engine does not take notice: it
/// tries to connect for ever, and only logs the managers' refusal.
fn was_removed(tools: &Tools, membership: &Membership) -> bool {
    let refusal = |node: &String| format!("node {node} was removed from swarm");
    membership.node.as_ref().is_some_and(|node| tools.supervisor.has_logged(dockerd::NAME, &refusal(node)))
}
