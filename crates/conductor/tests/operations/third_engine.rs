//! An engine that exists only in this file, to show what adding one takes.

use std::collections::BTreeSet;

use jeroboam_model::engine::{Descriptor, Driver, Registration};
use jeroboam_model::{EngineKind, Status};
use jeroboam_store::ClusterId;

use crate::world::{World, quick};

static FLOCK: Descriptor = Descriptor {
    name: "flock",
    aliases: &["herd"],
    api: "Flock",
    authorities: &["flock", "flock-peers"],
    keys: &["flock-signing"],
    api_port: 4711,
    master_ports: &[(4712..=4714, "the shepherd")],
    network_driver: Driver { offered: "meadow", known: "fence" },
    volume_driver: "barn",
    is_versioned: false,
    marks_nodes: true,
    check_labels: |_, _| Ok(()),
    check_networks: |_, _| Ok(()),
    // Simulated agents get no assignment.
    assign: |_, _, _| Ok(None),
};

inventory::submit! { Registration::of(&FLOCK) }

#[tokio::test]
async fn a_third_engine_is_a_descriptor_and_a_driver() {
    let flock: EngineKind = "herd".parse().unwrap();
    assert_eq!(EngineKind::choices(), "flock, kubernetes or swarm");
    let world = World::of(quick(), flock, None).await;
    world.conductor("one");
    let (cluster, create) = world.create("c", 1, 1).await;
    world.success_of(create.uuid).await;
    let made = world.record(cluster).await.cluster;
    assert_eq!((made.engine, made.status), (flock, Status::CreateComplete));
    assert!(made.api_address.is_some_and(|address| address.ends_with(":4711")));
    let secrets: BTreeSet<String> =
        world.store.secrets(ClusterId::assumed(cluster)).await.unwrap().into_keys().collect();
    assert_eq!(secrets, ["flock", "flock-peers", "flock-signing"].map(str::to_owned).into());

    let grow = world.scale(cluster, 3).await;
    world.success_of(grow.uuid).await;
    assert_eq!(world.record(cluster).await.nodes.len(), 4);
    let delete = world.delete(cluster).await;
    world.success_of(delete.uuid).await;
    assert_eq!(world.status(cluster).await, None);
}
