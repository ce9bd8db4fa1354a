//! Marks by which an older database, a copy and orphans are detected.

use jeroboam_infra::{Infrastructure, Presence, Progress};
use uuid::Uuid;

use crate::support::{Yard, cluster, ensure, spec};

fn presence(number: i64) -> Presence {
    Presence { instance: Uuid::new_v4(), number, host: "here".into(), url: None }
}

#[tokio::test]
async fn a_server_has_one_mark_that_says_what_is_so_now() {
    let (yard, stranger) = (Yard::new().await, Yard::new().await);
    assert_eq!(yard.docker.presences().await.unwrap(), []);
    let (first, second) = (presence(1), presence(7));
    yard.docker.be_present(&first).await.unwrap();
    yard.docker.be_present(&second).await.unwrap();
    let renewed = Presence { number: 9, url: Some("https://172.17.0.1:9512".into()), ..first.clone() };
    yard.docker.be_present(&renewed).await.unwrap();
    let mut expected = vec![renewed, second.clone()];
    expected.sort_by_key(|presence| presence.instance);
    assert_eq!(yard.docker.presences().await.unwrap(), expected);
    assert_eq!(yard.volumes().await.len(), 2, "the older mark is gone");
    assert_eq!(yard.docker.clusters().await.unwrap(), Vec::<Uuid>::new(), "it is no cluster's");

    assert_eq!(stranger.docker.presences().await.unwrap(), []);
    stranger.docker.forget_presence(first.instance).await.unwrap();
    assert_eq!(yard.docker.presences().await.unwrap(), expected, "another deployment's is left alone");
    for _ in 0..2 {
        yard.docker.forget_presence(first.instance).await.unwrap();
    }
    assert_eq!(yard.docker.presences().await.unwrap(), [second]);
}

#[tokio::test]
async fn remains_tell_what_there_is_of_each_cluster() {
    let yard = Yard::new().await;
    let (whole, bare) = (cluster("whole"), cluster("bare"));
    let node = spec("whole-master-0", 0);
    yard.docker.ensure_network(&whole, Progress::ignored()).await.unwrap();
    ensure(&yard.docker, &whole, &node).await.unwrap();
    yard.volume(yard.marks(bare.uuid, Some(Uuid::new_v4()))).await;
    let remains = yard.docker.remains().await.unwrap();
    assert_eq!(remains.len(), 2);
    let of = |uuid| remains.iter().find(|remains| remains.cluster == uuid).unwrap();
    let found = of(whole.uuid);
    assert_eq!((found.name.as_deref(), found.project_id.as_deref(), found.number), (Some("whole"), Some("p"), 7));
    assert_eq!((found.machines.len(), found.disks.len(), found.networks.len()), (1, 1, 1));
    assert!(found.machines[0].ends_with("whole-master-0") && !found.machines[0].starts_with('/'), "{found:?}");
    assert!(found.created.is_some());
    let found = of(bare.uuid);
    assert_eq!((found.name.as_deref(), found.number, found.disks.len()), (None, 0, 1));
    assert!(found.created.is_some(), "a volume says since when too");
}

#[tokio::test]
async fn what_carries_the_former_id_is_not_ours_any_more() {
    let yard = Yard::new().await;
    let former = cluster("former");
    yard.docker.ensure_network(&former, Progress::ignored()).await.unwrap();
    yard.docker.be_present(&presence(1)).await.unwrap();
    let other = Yard::new().await;
    yard.docker.take_deployment(&other.config.deployment);
    assert_eq!(yard.docker.remains().await.unwrap(), []);
    assert_eq!(yard.docker.presences().await.unwrap(), []);
    yard.docker.remove_network(former.uuid, Progress::ignored()).await.unwrap();
    assert_eq!(yard.networks().await.len(), 1, "it is left alone");
    let own = cluster("own");
    yard.docker.ensure_network(&own, Progress::ignored()).await.unwrap();
    assert_eq!(other.docker.clusters().await.unwrap(), [own.uuid]);
}
