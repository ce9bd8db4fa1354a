//! Random sequences of requests and faults on a cluster. After each of them every operation has finished, the cluster
//! can be completed and deleted, and nothing is left over.
//!
//! `SEQUENCES` is their number (200; 10,000 in `make test-slow`), `SEED` the first seed. A sequence that fails is
//! shrunk for some minutes. At the end statistics are printed.

mod figures;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jeroboam_infra::simulated::{Fault, FaultKind};
use jeroboam_model::{NodeGroup, NodeRole, Status};
use jeroboam_store::{ClusterId, NewOperation, Page, Scope, StoreError};
use jeroboam_types::operation::{Operation, OperationKind};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};
use uuid::Uuid;

use self::figures::Figures;
use crate::world::{Mortal, World, new_operation, quick};

/// How long one operation may take once faults have stopped, on a machine that is busy with other sequences.
const PATIENCE: Duration = Duration::from_secs(300);
/// How long to wait for operations to finish before the next deed.
const A_WHILE: Duration = Duration::from_secs(10);
/// How long after its conductor was killed another one takes over an operation.
const LEASE: Duration = Duration::from_secs(2);
/// How long a sequence that fails is shrunk, in milliseconds.
const SHRINKING: u32 = 300_000;

/// Calls that can fail.
const CALLS: [&str; 9] = [
    "observe",
    "ensure_network",
    "ensure_machine",
    "restart_machine",
    "remove_machine",
    "remove_network",
    "configure",
    "drain",
    "forget",
];

/// A request or fault.
#[derive(Debug, Clone)]
enum Deed {
    Resize(u32),
    Repair,
    Retry,
    /// The newest operation is cancelled.
    Cancel,
    Delete,
    Pause(bool),
    /// A machine is stopped, deleted, or deleted with its disk.
    Stop(prop::sample::Index),
    TakeAway(prop::sample::Index),
    Lose(prop::sample::Index),
    Fail(usize, usize, FaultKind),
    /// The conductor is killed, and another one takes its place.
    CutOff,
    /// Some milliseconds pass.
    Wait(u64),
    /// Waits for a while until running operations have finished.
    Settle,
}

fn deed() -> impl Strategy<Value = Deed> {
    let kind = prop_oneof![Just(FaultKind::Passing), Just(FaultKind::Permanent), Just(FaultKind::AnswerLost)];
    prop_oneof![
        3 => (0_u32..4).prop_map(Deed::Resize),
        2 => Just(Deed::Repair),
        2 => Just(Deed::Retry),
        1 => Just(Deed::Cancel),
        1 => Just(Deed::Delete),
        1 => any::<bool>().prop_map(Deed::Pause),
        2 => any::<prop::sample::Index>().prop_map(Deed::Stop),
        2 => any::<prop::sample::Index>().prop_map(Deed::TakeAway),
        1 => any::<prop::sample::Index>().prop_map(Deed::Lose),
        6 => (0..CALLS.len(), 0_usize..2, kind).prop_map(|(call, nth, kind)| Deed::Fail(call, nth, kind)),
        2 => Just(Deed::CutOff),
        4 => (0_u64..120).prop_map(Deed::Wait),
        8 => Just(Deed::Settle),
    ]
}

#[test]
fn however_a_cluster_is_treated_every_operation_ends_and_nothing_is_left_over() {
    play_many(200, 8);
}

/// A larger number of sequences.
mod slow {
    #[test]
    fn however_a_cluster_is_treated_every_operation_ends_and_nothing_is_left_over() {
        super::play_many(10_000, 16);
    }
}

/// Runs this many sequences, unless the environment sets another number, several concurrently: they mostly wait.
fn play_many(usual: u64, side_by_side: u64) {
    let number = |name: &str, usual: u64| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual);
    let (count, seed) = (number("SEQUENCES", usual), number("SEED", 1));
    let figures = Mutex::new(Figures::default());
    std::thread::scope(|scope| {
        let figures = &figures;
        let parts: Vec<_> = (0..side_by_side)
            .map(|part| {
                scope.spawn(move || {
                    let cases = u32::try_from(count.div_ceil(side_by_side)).unwrap();
                    play_some(cases, seed.wrapping_mul(side_by_side).wrapping_add(part), figures)
                })
            })
            .collect();
        for part in parts {
            if let Err(failure) = part.join().unwrap() {
                panic!("seed {seed}: {failure}");
            }
        }
    });
    eprintln!("seed {seed}\n{}", figures.into_inner().unwrap());
}

/// Runs some sequences, one after the other.
fn play_some(cases: u32, seed: u64, figures: &Mutex<Figures>) -> Result<(), TestError<Vec<Deed>>> {
    let config = Config {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        max_shrink_time: SHRINKING,
        ..Config::default()
    };
    TestRunner::new(config).run(&prop::collection::vec(deed(), 0..14), |deeds| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let played = runtime.block_on(play(&deeds)).map_err(TestCaseError::fail)?;
        figures.lock().unwrap_or_else(PoisonError::into_inner).add(played);
        Ok(())
    })
}

/// Runs a sequence, then checks the result.
async fn play(deeds: &[Deed]) -> Result<Figures, String> {
    let world = World::new(quick()).await;
    let mut figures = Figures::default();
    let mut conductor = world.mortal_conductor_for("0", LEASE);
    let (cluster, _) = world.create("c", 1, 2).await;
    for (number, deed) in deeds.iter().enumerate() {
        let has_hit = act(&world, cluster, deed, &mut conductor, number).await;
        figures.deed(deed, has_hit);
    }
    for fault in world.cloud.infra.forget_faults() {
        figures.missed(fault.kind);
    }
    settle(&world, cluster).await?;
    if world.status(cluster).await.is_some() {
        forward(&world, cluster).await?;
        out(&world, cluster).await?;
    }
    let left = world.cloud.infra.world().lock().unwrap().left_over();
    conductor.kill();
    if !left.is_empty() {
        return Err(format!("left over: {left:?}"));
    }
    figures.sequence(&operations(&world, cluster).await);
    Ok(figures)
}

/// Does a deed; returns whether it took effect.
async fn act(world: &World, cluster: Uuid, deed: &Deed, conductor: &mut Mortal, number: usize) -> bool {
    let infra = &world.cloud.infra;
    let record = world.store.cluster_by_uuid(&Scope::All, cluster).await.ok();
    let nodes: Vec<Uuid> = record.iter().flat_map(|record| &record.nodes).map(|node| node.uuid).collect();
    let node = |index: &prop::sample::Index| (!nodes.is_empty()).then(|| *index.get(&nodes));
    let is_worker = |group: &&NodeGroup| group.role == NodeRole::Worker;
    match deed {
        Deed::Resize(count) => {
            let Some(group) = record.iter().flat_map(|record| &record.groups).find(is_worker) else { return false };
            let new = new_operation(OperationKind::Scale);
            is_done(&world.store.request_scale(ClusterId::assumed(cluster), group.uuid, *count, &[], new).await)
        }
        Deed::Repair => is_done(
            &world.store.request_repair(ClusterId::assumed(cluster), new_operation(OperationKind::Repair)).await,
        ),
        Deed::Retry => {
            is_done(&world.store.request_retry(ClusterId::assumed(cluster), new_operation(OperationKind::Create)).await)
        }
        Deed::Cancel => match operations(world, cluster).await.first() {
            Some(newest) => is_done(&world.store.request_cancel(&Scope::All, newest.uuid).await),
            None => false,
        },
        Deed::Delete => is_done(
            &world.store.request_delete(ClusterId::assumed(cluster), new_operation(OperationKind::Delete)).await,
        ),
        Deed::Pause(paused) => is_done(&world.store.set_paused(ClusterId::assumed(cluster), *paused).await),
        Deed::Stop(index) => node(index).is_some_and(|node| infra.kill(cluster, node)),
        Deed::TakeAway(index) => node(index).is_some_and(|node| infra.take_away(cluster, node)),
        Deed::Lose(index) => node(index).is_some_and(|node| infra.destroy(cluster, node)),
        Deed::Fail(call, nth, kind) => {
            infra.inject(Fault { call: CALLS[*call], nth: *nth, kind: *kind });
            true
        }
        Deed::CutOff => {
            let next = world.mortal_conductor_for(&format!("{}", number + 1), LEASE);
            std::mem::replace(conductor, next).kill();
            true
        }
        Deed::Wait(milliseconds) => {
            tokio::time::sleep(Duration::from_millis(*milliseconds)).await;
            true
        }
        Deed::Settle => tokio::time::timeout(A_WHILE, all_ended(world, cluster)).await.is_ok(),
    }
}

/// A request may be refused because of the cluster's status, or come too late; no other error is allowed.
fn is_done<T: std::fmt::Debug>(outcome: &Result<T, StoreError>) -> bool {
    match outcome {
        Ok(_) => true,
        Err(StoreError::NotAllowed { .. } | StoreError::NotFound { .. } | StoreError::Conflict(_)) => false,
        Err(problem) => panic!("{problem:?}"),
    }
}

async fn operations(world: &World, cluster: Uuid) -> Vec<Operation> {
    let page = Page { limit: 100, ..Page::default() };
    world.store.operations(&Scope::All, Some(&cluster.to_string()), &page).await.unwrap()
}

async fn all_ended(world: &World, cluster: Uuid) {
    let mut events = world.store.subscribe();
    while operations(world, cluster).await.iter().any(|operation| !operation.status.is_final()) {
        let _ = tokio::time::timeout(Duration::from_millis(50), events.recv()).await;
    }
}

/// Waits until no operation is in progress.
async fn settle(world: &World, cluster: Uuid) -> Result<(), String> {
    if tokio::time::timeout(PATIENCE, all_ended(world, cluster)).await.is_ok() {
        return Ok(());
    }
    let mut stuck = Vec::new();
    for operation in operations(world, cluster).await.iter().filter(|operation| !operation.status.is_final()) {
        stuck.push(world.operation(operation.uuid).await);
    }
    Err(format!("stuck: {stuck:#?}"))
}

/// From any status the cluster becomes complete, with a machine for each node, or is deleted if that was requested.
async fn forward(world: &World, cluster: Uuid) -> Result<(), String> {
    let with_data_lost = |kind| NewOperation { replace_data: true, ..new_operation(kind) };
    let Some(status) = world.status(cluster).await else { return Ok(()) };
    let next = match status {
        Status::CreateFailed | Status::UpdateFailed | Status::DeleteFailed => {
            world.store.request_retry(ClusterId::assumed(cluster), with_data_lost(OperationKind::Create)).await
        }
        Status::CreateComplete | Status::UpdateComplete => {
            world.store.request_repair(ClusterId::assumed(cluster), with_data_lost(OperationKind::Repair)).await
        }
        other => return Err(format!("{other}, and no operation is under way")),
    };
    let next = next.map_err(|error| format!("no way forward from {status}: {error}"))?;
    settle(world, cluster).await?;
    let ended = world.operation(next.uuid).await;
    let Some(after) = world.status(cluster).await else { return Ok(()) };
    if ended.cause.is_some() && ended.cause.as_ref().is_none_or(|cause| cause.code != "repair_made_way") {
        // A repair that the server started automatically may be in its place, without permission to replace data.
        let is_own = ended.kind == OperationKind::Repair && !ended.replace_data;
        if !is_own {
            return Err(format!("from {status}: {ended:#?}"));
        }
        let again =
            world.store.request_repair(ClusterId::assumed(cluster), with_data_lost(OperationKind::Repair)).await;
        let again = again.map_err(|error| format!("no way forward from {after}: {error}"))?;
        settle(world, cluster).await?;
        let ended = world.operation(again.uuid).await;
        if ended.cause.is_some() {
            return Err(format!("from {after}: {ended:#?}"));
        }
    }
    let record = world.record(cluster).await;
    let size = world.cloud.infra.world().lock().unwrap().size();
    if !record.cluster.status.is_complete() || size != (1, record.nodes.len()) {
        return Err(format!("after {status}: {}, {size:?} for {} nodes", record.cluster.status, record.nodes.len()));
    }
    Ok(())
}

/// The cluster can be deleted.
async fn out(world: &World, cluster: Uuid) -> Result<(), String> {
    if world.status(cluster).await.is_none() {
        return Ok(());
    }
    world.delete(cluster).await;
    settle(world, cluster).await?;
    match world.status(cluster).await {
        None => Ok(()),
        Some(status) => Err(format!("{status} after it was deleted")),
    }
}
