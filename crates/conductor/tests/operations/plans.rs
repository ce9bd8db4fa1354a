//! A plan lists the steps that are run; steps run in addition have a reason.
#![allow(clippy::large_futures, reason = "one at a time, in tests")]

use std::time::Duration;

use jeroboam_conductor::engines::AccessBook;
use jeroboam_conductor::observe::{Observer, desired, obstacle};
use jeroboam_infra::simulated::{Fault, FaultKind};
use jeroboam_model::plan::forecast;
use jeroboam_model::{Cluster, EngineKind, Node, NodeGroup, NodeRole};
use jeroboam_pki::Authority;
use jeroboam_store::{ClusterId, DryRun, NewAuthority, NewOperation, StoreError};
use jeroboam_types::operation::{Operation, OperationKind, OperationStatus, StepStatus};
use jiff::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use uuid::Uuid;

use crate::world::{PROJECT, World, new_operation, quick};

/// A request.
#[derive(Debug, Clone)]
enum Wish {
    Resize(u32),
    AddGroup,
    MarkGroup,
    RemoveGroup,
    Rotate,
    /// Machines of these nodes are stopped, deleted, or deleted with their disks; then the cluster is repaired.
    Repair(Vec<(prop::sample::Index, Harm)>),
}

#[derive(Debug, Clone, Copy)]
enum Harm {
    Stop,
    TakeAway,
    Lose,
}

fn wish() -> impl Strategy<Value = Wish> {
    let harm = prop_oneof![Just(Harm::Stop), Just(Harm::TakeAway), Just(Harm::Lose)];
    let harmed = prop::collection::vec((any::<prop::sample::Index>(), harm), 0..3);
    prop_oneof![
        3 => (0_u32..4).prop_map(Wish::Resize),
        1 => Just(Wish::AddGroup),
        1 => Just(Wish::MarkGroup),
        1 => Just(Wish::RemoveGroup),
        1 => Just(Wish::Rotate),
        3 => harmed.prop_map(Wish::Repair),
    ]
}

/// Steps by stage and key.
type Steps = Vec<(u16, String)>;

fn observer(world: &World) -> Observer {
    let infra = std::sync::Arc::new(world.cloud.infra.clone());
    let accesses = AccessBook::new(world.store.clone());
    Observer::new(world.store.clone(), infra, world.cloud.engines.clone(), accesses, world.clock)
}

/// The plan of a request.
async fn planned<T: std::fmt::Debug>(
    world: &World,
    request: impl Future<Output = Result<T, StoreError>>,
) -> Result<Steps, String> {
    let run = DryRun::new();
    let refused = run.clone().around(request).await.unwrap_err();
    assert_eq!(refused, StoreError::DryRun);
    let asked = run.asked().unwrap();
    let (kind, replace_data) = (asked.operation.kind, asked.operation.replace_data);
    let observed = observer(world).look(kind, &asked.record, &asked.secrets).await.unwrap();
    let desired = desired(kind, replace_data, &asked.record);
    match obstacle(replace_data, &desired, &observed) {
        Some(cause) => Err(cause.code),
        None => Ok(forecast(&desired, &observed).iter().map(|step| (step.stage, step.action.key())).collect()),
    }
}

fn performed(operation: &Operation) -> Steps {
    operation.steps.iter().map(|step| (step.stage, step.key.clone())).collect()
}

/// Plans a request, runs it, and compares.
macro_rules! as_planned {
    ($world:expr, $request:expr) => {{
        let world: &World = $world;
        let plan = planned(world, async { $request.await }).await.unwrap();
        let done = world.success_of($request.await.unwrap().uuid).await;
        assert_eq!(performed(&done), plan, "{:?}", done.kind);
        let added: Vec<_> = done.steps.iter().filter(|step| step.added_because.is_some()).collect();
        assert!(added.is_empty(), "nothing has disturbed it: {added:#?}");
        assert!(done.steps.iter().all(|step| step.status == StepStatus::Done), "{:#?}", done.steps);
        done
    }};
}

#[test]
fn undisturbed_operations_do_what_was_planned_step_by_step() {
    let rng_seed = RngSeed::Fixed(std::env::var("SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1));
    let config = Config { cases: 24, rng_seed, failure_persistence: None, ..Config::default() };
    let engine = prop_oneof![Just(EngineKind::KUBERNETES), Just(EngineKind::SWARM)];
    let lives = (engine, 0_u32..3, prop::collection::vec(wish(), 0..5));
    TestRunner::new(config)
        .run(&lives, |(engine, workers, wishes)| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(live(engine, workers, &wishes));
            Ok(())
        })
        .unwrap();
}

async fn live(engine: EngineKind, workers: u32, wishes: &[Wish]) {
    let world = World::of(quick(), engine, None).await;
    world.conductor("one");
    let (new, groups) = draft(&world, workers);
    let (store, cluster) = (&world.store, new.uuid);
    let create = || store.create_cluster(&world.template, &new, &groups, new_operation(OperationKind::Create));
    as_planned!(&world, create());
    // Paused, so that faults are repaired only when the test requests it.
    store.set_paused(ClusterId::assumed(cluster), true).await.unwrap();
    for wish in wishes {
        fulfil(&world, cluster, wish).await;
    }
    as_planned!(&world, store.request_delete(ClusterId::assumed(cluster), new_operation(OperationKind::Delete)));
    world.assert_cloud_is_empty();
}

fn draft(world: &World, workers: u32) -> (Cluster, Vec<NodeGroup>) {
    let new = Cluster {
        engine_version: (world.template.engine == EngineKind::KUBERNETES).then(|| "v1.37.2".to_owned()),
        ..Cluster::of(&world.template, "c", PROJECT, "tester", Timestamp::now())
    };
    let of = |role, count| NodeGroup::default_of(&new, &world.template, role, count);
    let groups = vec![of(NodeRole::Master, 1), of(NodeRole::Worker, workers)];
    (new, groups)
}

async fn fulfil(world: &World, cluster: Uuid, wish: &Wish) {
    let (store, record) = (&world.store, world.record(cluster).await);
    let group = |name: &str| record.groups.iter().find(|group| group.name == name).map(|group| group.uuid);
    let update = || new_operation(OperationKind::Update);
    match wish {
        Wish::Resize(count) => {
            let workers = group("default-worker").unwrap();
            let scale = || new_operation(OperationKind::Scale);
            as_planned!(world, store.request_scale(ClusterId::assumed(cluster), workers, *count, &[], scale()));
        }
        Wish::AddGroup if group("gpu").is_none() => {
            let new = NodeGroup {
                node_count: 2,
                node_labels: [("a".to_owned(), "b".to_owned())].into(),
                ..NodeGroup::of(&record.cluster, &world.template, "gpu", Timestamp::now())
            };
            as_planned!(world, store.request_node_group(ClusterId::assumed(cluster), &new, update()));
        }
        Wish::MarkGroup => {
            let workers = group("default-worker").unwrap();
            let marked = |old: &NodeGroup| {
                Ok::<_, StoreError>(NodeGroup { node_labels: [("c".into(), "d".into())].into(), ..old.clone() })
            };
            as_planned!(world, store.request_node_group_update(ClusterId::assumed(cluster), workers, update(), marked));
        }
        Wish::RemoveGroup => {
            let Some(group) = group("gpu") else { return };
            as_planned!(world, store.request_node_group_delete(ClusterId::assumed(cluster), group, update()));
        }
        Wish::Rotate => {
            let new = |name: &&'static str| {
                let made = Authority::of_cluster("c", name, Timestamp::now()).unwrap();
                NewAuthority { name, certificate: made.certificate_pem().to_owned(), key: made.key_pem() }
            };
            let all: Vec<_> = record.cluster.engine.authorities.iter().map(new).collect();
            let rotate = || new_operation(OperationKind::RotateCa);
            as_planned!(world, store.request_ca_rotation(ClusterId::assumed(cluster), &all, rotate()));
        }
        Wish::Repair(harmed) => {
            for (index, harm) in harmed {
                harm_one(world, index.get(&record.nodes), *harm);
            }
            let repair = || new_operation(OperationKind::Repair);
            as_planned!(world, store.request_repair(ClusterId::assumed(cluster), repair()));
        }
        Wish::AddGroup => {}
    }
    world.assert_cloud_matches(cluster).await;
}

fn harm_one(world: &World, node: &Node, harm: Harm) {
    let (infra, cluster) = (&world.cloud.infra, node.cluster);
    // A machine that is gone already cannot be harmed any more.
    let _ = match harm {
        Harm::Stop => infra.kill(cluster, node.uuid),
        // Not a master's disk: it has the only copy of the state.
        Harm::Lose if node.role == NodeRole::Worker => infra.destroy(cluster, node.uuid),
        Harm::TakeAway | Harm::Lose => infra.take_away(cluster, node.uuid),
    };
}

async fn complete(world: &World, workers: u32) -> Uuid {
    let (cluster, create) = world.create("c", 1, workers).await;
    world.success_of(create.uuid).await;
    world.store.set_paused(ClusterId::assumed(cluster), true).await.unwrap();
    cluster
}

#[tokio::test]
async fn giving_up_the_only_copy_of_the_state_is_planned_as_it_is_done() {
    let world = World::new(quick()).await;
    world.conductor("one");
    let cluster = complete(&world, 2).await;
    let master = world.record(cluster).await.nodes.iter().find(|node| node.role == NodeRole::Master).unwrap().uuid;
    world.cloud.infra.destroy(cluster, master);
    let repair = || new_operation(OperationKind::Repair);
    let refused = planned(&world, world.store.request_repair(ClusterId::assumed(cluster), repair())).await.unwrap_err();
    assert_eq!(refused, "state_lost", "that it would fail is told before");
    let with_data_lost = || NewOperation { replace_data: true, ..repair() };
    let done = as_planned!(&world, world.store.request_repair(ClusterId::assumed(cluster), with_data_lost()));
    let keys: Vec<&str> = done.steps.iter().map(|step| step.key.as_str()).collect();
    assert!(keys.contains(&"machine/c-master-0") && keys.contains(&"node/c-worker-1"), "{keys:?}");
}

#[tokio::test]
async fn what_a_disturbance_adds_says_why() {
    let world = World::new(quick()).await;
    world.conductor("one");
    let cluster = complete(&world, 2).await;
    world.cloud.infra.inject(Fault { call: "configure", nth: 0, kind: FaultKind::Passing });
    let mut events = world.store.subscribe();
    let scale = world.scale(cluster, 3).await;
    while world.operation(scale.uuid).await.status != OperationStatus::Blocked {
        let _ = tokio::time::timeout(Duration::from_millis(20), events.recv()).await;
    }
    let record = world.record(cluster).await;
    let node = |name: &str| record.nodes.iter().find(|node| node.name == name).unwrap();
    world.cloud.infra.kill(cluster, node("c-worker-0").uuid);
    world.cloud.infra.destroy(cluster, node("c-worker-2").uuid);
    let done = world.success_of(scale.uuid).await;
    let because = |key: &str| {
        let step = done.steps.iter().find(|step| step.key == key).unwrap();
        step.added_because.clone()
    };
    assert_eq!(because("machine/c-worker-0").as_deref(), Some("machine c-worker-0 has stopped"), "it is new");
    assert_eq!(because("machine/c-worker-2").as_deref(), Some("machine c-worker-2 is gone"), "it was done before");
    assert_eq!(because("engine"), None, "it was planned");
    world.assert_cloud_matches(cluster).await;
}
