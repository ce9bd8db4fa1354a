//! Who checks the health of running clusters.

use std::time::Duration;

use jeroboam_conductor::Settings;
use jeroboam_model::Health;
use jeroboam_store::ClusterId;
use uuid::Uuid;

use crate::world::{World, quick};

/// A report of an agent in the cluster.
const SAID: &str = "said by an agent in the cluster";

async fn agent_says(world: &World, cluster: Uuid) {
    let reason = [("api".to_owned(), SAID.to_owned())].into();
    world.store.set_health(ClusterId::assumed(cluster), Health::Unhealthy, reason).await.unwrap();
}

async fn until_looked_at(world: &World, cluster: Uuid) {
    let mut events = world.store.subscribe();
    while world.record(cluster).await.cluster.health != Some(Health::Healthy) {
        let _ = tokio::time::timeout(Duration::from_millis(50), events.recv()).await;
    }
}

#[tokio::test]
async fn clusters_of_older_releases_are_looked_at_like_all_others() {
    let world = World::new(quick()).await;
    world.conductor_with(Settings {
        owner: "one".into(),
        poll: Duration::from_millis(20),
        health_interval: Duration::from_millis(20),
        ..Settings::default()
    });
    let (cluster, create) = world.create("c", 1, 1).await;
    world.success_of(create.uuid).await;
    world.age(cluster).await;
    agent_says(&world, cluster).await;
    until_looked_at(&world, cluster).await;
}

// Covers: R350.
#[tokio::test]
async fn a_cluster_that_is_watched_from_within_is_left_to_its_agent() {
    let mut world = World::new(quick()).await;
    world.conductor_with(Settings {
        owner: "one".into(),
        poll: Duration::from_millis(20),
        health_interval: Duration::from_millis(20),
        ..Settings::default()
    });
    let (other, create) = world.create("other", 1, 1).await;
    world.success_of(create.uuid).await;
    let labels = [("auto_healing_enabled", "true"), ("auto_healing_controller", "magnum-auto-healer")];
    let before = world.template.clone();
    world.template.labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    world.store.update_template(&before, &world.template, true).await.unwrap();
    let (watched, create) = world.create("watched", 1, 1).await;
    world.success_of(create.uuid).await;

    agent_says(&world, watched).await;
    // The second check starts after the first one has passed over both.
    for _ in 0..2 {
        agent_says(&world, other).await;
        until_looked_at(&world, other).await;
    }
    let cluster = world.record(watched).await.cluster;
    assert_eq!((cluster.health, cluster.health_reason["api"].as_str()), (Some(Health::Unhealthy), SAID));
}
