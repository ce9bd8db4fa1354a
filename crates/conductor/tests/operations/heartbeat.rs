//! Heartbeats, on a paused clock.

use jeroboam_conductor::Settings;
use jeroboam_model::mservice::BEAT_EVERY;

use crate::world::{World, quick};

// Covers: R324, W181.
#[tokio::test]
async fn a_conductor_gives_signs_of_life_and_is_down_without_them() {
    let world = World::new(quick()).await;
    world.fast_time();
    world.conductor_with(Settings { host: "here".to_owned(), ..Settings::default() });
    let seen = loop {
        let seen = world.store.mservices().await.unwrap();
        if seen.first().is_some_and(|service| service.report_count >= 3) {
            break seen;
        }
        tokio::time::sleep(BEAT_EVERY.unsigned_abs()).await;
    };
    assert_eq!(seen.len(), 1, "one process, one entry");
    let service = &seen[0];
    assert_eq!((service.id, service.host.as_str(), service.binary.as_str()), (1, "here", "magnum-conductor"));
    assert!(service.reported_at > service.created_at);
    let silent = |seconds| service.is_up(service.reported_at + jiff::SignedDuration::from_secs(seconds));
    assert!(silent(180) && !silent(181));
}
