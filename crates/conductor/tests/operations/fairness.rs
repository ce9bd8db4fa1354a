//! Operations that wait do not delay others.

use std::time::{Duration, Instant};

use jeroboam_store::Scope;
use jeroboam_types::operation::{Operation, OperationStatus};
use uuid::Uuid;

use crate::world::{World, quick};

/// Creates of one project whose nodes never come up.
const ENDLESS: usize = 500;
/// How many of them are started at a time.
const STARTED_AT_ONCE: usize = 20;
/// Quick operations: creates, deletes and cancels of other projects.
const CREATES: usize = 40;
const DELETES: usize = 40;
const CANCELS: usize = 20;
/// How often a batch of them is repeated; the shortest counts, since the machine has other work too.
const BATCHES: usize = 2;
/// How many times longer they may take beside the others than alone. If they waited for a slot, they would never
/// finish.
const TIMES_LONGER: u32 = 3;

// A problem once seen: 64 creates that waited filled all slots.
#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_endless_creates_of_a_project_do_not_keep_others_waiting() {
    let world = World::new(quick()).await;
    world.conductor("one");
    let alone = shortest(&world).await;

    let machines = || world.cloud.infra.world().lock().unwrap().size().1;
    let before = machines();
    world.cloud.infra.world().lock().unwrap().stillborn = true;
    let mut endless = Vec::new();
    let mut events = world.store.subscribe();
    for number in 1..=ENDLESS {
        endless.push(world.create_in("endless", &format!("e{number}"), 1, 0).await.1);
        // Not all at once: the test is about their waiting.
        while number.is_multiple_of(STARTED_AT_ONCE) && machines() < before + number {
            let _ = tokio::time::timeout(Duration::from_millis(100), events.recv()).await;
        }
    }
    world.cloud.infra.world().lock().unwrap().stillborn = false;
    // New waits are checked more often.
    tokio::time::sleep(Duration::from_secs(11)).await;

    let beside = shortest(&world).await;
    for create in endless {
        assert_eq!(world.operation(create.uuid).await.status, OperationStatus::Running, "it waits");
    }
    assert!(beside < alone * TIMES_LONGER, "{beside:?} beside {ENDLESS} creates that wait, {alone:?} alone");
}

/// The shortest time that a batch of quick operations takes.
async fn shortest(world: &World) -> Duration {
    let mut shortest = Duration::MAX;
    for _ in 0..BATCHES {
        shortest = shortest.min(batch(world).await);
    }
    shortest
}

/// How long a batch of quick operations takes that are requested at the same time.
async fn batch(world: &World) -> Duration {
    let old = create_some(world, DELETES).await;
    ended(world, old.iter().map(|(_, create)| create.uuid)).await;
    let begin = Instant::now();
    let mut operations: Vec<Uuid> = Vec::new();
    let new = create_some(world, CREATES).await;
    for (_, cancelled) in create_some(world, CANCELS).await {
        world.store.request_cancel(&Scope::All, cancelled.uuid).await.unwrap();
        operations.push(cancelled.uuid);
    }
    for (cluster, _) in &old {
        operations.push(world.delete(*cluster).await.uuid);
    }
    operations.extend(new.iter().map(|(_, create)| create.uuid));
    ended(world, operations).await;
    begin.elapsed()
}

/// New clusters of five projects.
async fn create_some(world: &World, count: usize) -> Vec<(Uuid, Operation)> {
    let mut created = Vec::new();
    for number in 0..count {
        created.push(world.create_in(&format!("project-{}", number % 5), &Uuid::new_v4().to_string(), 1, 0).await);
    }
    created
}

/// Waits until all of them have finished.
async fn ended(world: &World, operations: impl IntoIterator<Item = Uuid>) {
    for operation in operations {
        world.end_of(operation).await;
    }
}
