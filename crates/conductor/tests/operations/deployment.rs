//! An older database and a copy are detected; what the database does not know is left alone.

use std::sync::Arc;
use std::time::Duration;

use jeroboam_conductor::Settings;
use jeroboam_conductor::lookout::{Lookout, LookoutError};
use jeroboam_infra::simulated::{Fault, FaultKind};
use jeroboam_infra::{Infrastructure, Presence, Progress};
use jeroboam_store::{Deployment, StoreError};
use jeroboam_types::v1::EvidenceKind;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::world::{World, quick};

/// Starts a server on the world's database, and does its first check.
async fn start(world: &World) -> (Arc<Lookout>, Uuid) {
    let (started, instance) = world.store.start_instance("here", None).await.unwrap();
    let infra = Arc::new(world.cloud.infra.clone());
    let lookout = Lookout::new(world.store.clone(), infra, started.id, instance, "here".into());
    lookout.first_look().await.unwrap();
    (lookout, instance)
}

/// The mark of a server that the database does not know.
fn stranger(number: i64) -> Presence {
    Presence { instance: Uuid::new_v4(), number, host: "elsewhere".into(), url: None }
}

async fn deployment(world: &World) -> Deployment {
    world.store.deployment().await.unwrap()
}

async fn kinds(world: &World) -> Vec<EvidenceKind> {
    let hold = deployment(world).await.hold;
    hold.into_iter().flat_map(|hold| hold.evidence).map(|evidence| evidence.kind).collect()
}

async fn marks(world: &World) -> Vec<Presence> {
    world.cloud.infra.presences().await.unwrap()
}

#[tokio::test]
async fn a_server_that_starts_again_takes_the_place_of_the_one_before() {
    let world = World::new(quick()).await;
    let (_, first) = start(&world).await;
    assert_eq!(marks(&world).await.iter().map(|mark| mark.instance).collect::<Vec<_>>(), [first]);
    world.conductor("one");
    let (_, create) = world.create("c", 1, 1).await;
    world.success_of(create.uuid).await;
    let (_, second) = start(&world).await;
    let now = marks(&world).await;
    assert_eq!(now.iter().map(|mark| mark.instance).collect::<Vec<_>>(), [second]);
    assert_eq!((now[0].number, deployment(&world).await.hold), (deployment(&world).await.number, None));
}

#[tokio::test]
async fn marks_follow_the_number_and_a_server_that_comes_up_beside_is_noticed() {
    let world = World::new(quick()).await;
    let (lookout, instance) = start(&world).await;
    let before = marks(&world).await[0].number;
    tokio::spawn(lookout.clone().watch(CancellationToken::new()));
    world.create("c", 1, 0).await;
    lookout.answers_at("https://10.0.0.1:9512");
    let is_renewed = async || {
        let marks = marks(&world).await;
        marks[0].number > before && marks[0].url.as_deref() == Some("https://10.0.0.1:9512")
    };
    while !is_renewed().await {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    world.fast_time();
    world.cloud.infra.be_present(&stranger(1)).await.unwrap();
    while deployment(&world).await.hold.is_none() {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(kinds(&world).await, [EvidenceKind::Instance]);
    assert!(marks(&world).await.iter().any(|mark| mark.instance == instance));
}

#[tokio::test]
async fn an_older_database_is_held_until_it_is_accepted_and_its_missing_clusters_are_not_rebuilt() {
    let world = World::new(quick()).await;
    start(&world).await;
    let conductor = world.conductor("one");
    let (cluster, create) = world.create("c", 1, 1).await;
    world.success_of(create.uuid).await;
    conductor.cancel();
    world.cloud.infra.remove_network(cluster, Progress::ignored()).await.unwrap();
    // Later than the database's state: a server and a cluster that it does not know.
    let (orphan, ahead) = (Uuid::new_v4(), deployment(&world).await.number + 100);
    world.cloud.infra.add_stray(orphan, "vm-orphan");
    world.cloud.infra.be_present(&stranger(ahead)).await.unwrap();

    let (lookout, instance) = start(&world).await;
    assert_eq!(kinds(&world).await, [EvidenceKind::Instance, EvidenceKind::Number]);
    assert!(marks(&world).await.iter().all(|mark| mark.instance != instance), "who is held leaves no mark");
    world.conductor("two");
    let refused = lookout.remove_orphan(orphan).await;
    assert!(matches!(refused, Err(LookoutError::Store(StoreError::Held { .. }))), "{refused:?}");
    assert_eq!(lookout.orphans().await.unwrap().iter().map(|o| o.cluster).collect::<Vec<_>>(), [orphan]);

    let accepted = lookout.accept().await.unwrap();
    assert!(accepted.number > ahead && accepted.hold.is_none(), "{accepted:?}");
    let again = lookout.accept().await;
    assert!(matches!(&again, Err(LookoutError::Cause(cause)) if cause.code == "deployment_not_held"), "{again:?}");

    lookout.remove_orphan(orphan).await.unwrap();
    assert_eq!(lookout.orphans().await.unwrap(), []);
    let gone = lookout.remove_orphan(orphan).await;
    assert!(matches!(gone, Err(LookoutError::Store(StoreError::NotFound { .. }))), "{gone:?}");
    let known = lookout.remove_orphan(cluster).await;
    assert!(matches!(known, Err(LookoutError::Store(StoreError::NotFound { .. }))), "{known:?}");
    let (_, create) = world.create("works", 1, 0).await;
    world.success_of(create.uuid).await;
    start(&world).await;
    assert_eq!(deployment(&world).await.hold, None, "and it stays accepted");
}

#[tokio::test]
async fn a_copy_takes_an_id_of_its_own() {
    let world = World::new(quick()).await;
    let (lookout, _) = start(&world).await;
    let before = deployment(&world).await.id;
    let early = lookout.take_new_id().await;
    assert!(matches!(&early, Err(LookoutError::Cause(cause)) if cause.code == "deployment_not_held"), "{early:?}");
    world.cloud.infra.be_present(&stranger(1)).await.unwrap();
    let (lookout, _) = start(&world).await;
    let mut id = lookout.id();
    assert_eq!(*id.borrow_and_update(), before);
    let renamed = lookout.take_new_id().await.unwrap();
    assert!(renamed.id != before && renamed.hold.is_none());
    assert!(id.has_changed().unwrap() && *id.borrow() == renamed.id);
}

#[tokio::test]
async fn nothing_is_made_before_it_is_known_whether_the_database_is_the_right_one() {
    let world = World::new(quick()).await;
    let (started, instance) = world.store.start_instance("here", None).await.unwrap();
    let infra = Arc::new(world.cloud.infra.clone());
    let lookout = Lookout::new(world.store.clone(), infra, started.id, instance, "here".into());
    world.conductor_with(Settings { owner: "one".into(), gate: lookout.gate(), ..Settings::default() });
    let (cluster, create) = world.create("c", 1, 0).await;
    let mut events = world.store.subscribe();
    while world.operation(create.uuid).await.steps.is_empty() {
        events.recv().await.unwrap();
    }
    world.cloud.infra.inject(Fault { call: "presences", nth: 0, kind: FaultKind::Passing });
    assert!(lookout.first_look().await.is_err(), "the fault has struck");
    world.cloud.infra.be_present(&stranger(1)).await.unwrap();
    lookout.first_look().await.unwrap();
    // A conductor that has passed the gate finds that it has lost the lease.
    world.events_pass(&mut events, 50).await;
    world.assert_cloud_is_empty();
    assert_eq!(kinds(&world).await, [EvidenceKind::Instance]);
    lookout.accept().await.unwrap();
    world.success_of(create.uuid).await;
    world.assert_cloud_matches(cluster).await;
}

#[tokio::test]
async fn machines_of_nodes_that_came_after_the_accepted_state_are_left_alone() {
    let world = World::new(quick()).await;
    let (lookout, _) = start(&world).await;
    world.conductor("one");
    let (cluster, create) = world.create("c", 1, 1).await;
    world.success_of(create.uuid).await;
    let machines = || world.cloud.infra.world().lock().unwrap().size().1;
    // The machine of a node that this database had removed; the infrastructure created it late.
    world.cloud.infra.add_machine(cluster, Uuid::new_v4(), deployment(&world).await.number);
    assert_eq!(machines(), 3);
    world.success_of(world.scale(cluster, 2).await.uuid).await;
    assert_eq!(machines(), 3, "it was left over, and is removed");

    let later = deployment(&world).await.number + 5;
    world.cloud.infra.add_machine(cluster, Uuid::new_v4(), later);
    world.cloud.infra.be_present(&stranger(later + 1)).await.unwrap();
    start(&world).await;
    lookout.accept().await.unwrap();
    world.success_of(world.scale(cluster, 1).await.uuid).await;
    assert_eq!(machines(), 3, "somebody's node stays: one of ours went");
    world.cloud.infra.add_machine(cluster, Uuid::new_v4(), deployment(&world).await.number);
    world.success_of(world.scale(cluster, 2).await.uuid).await;
    assert_eq!(machines(), 4, "what comes late from now on is known to be left over");
    world.success_of(world.delete(cluster).await.uuid).await;
    world.assert_cloud_is_empty();
}
