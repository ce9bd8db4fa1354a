use std::sync::Arc;

use tokio::sync::Barrier;

use super::*;
use crate::{Precondition, StoreError, Tag, Target};

fn on_cluster(cluster: &Cluster, tag: Tag) -> Precondition {
    Precondition::new(project("one"), Target::Cluster(cluster.uuid.to_string()), move |now| now == tag)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_have_read_the_same_state_one_writes() {
    let bench = Bench::new().await;
    let cluster = bench.created("one", "prod").await;
    let record = bench.record(&cluster).await;
    let (tag, group) = (record.tag(), workers(&record).uuid);
    let start = Arc::new(Barrier::new(2));
    let mut writers = tokio::task::JoinSet::new();
    for count in [3, 4] {
        let (store, start) = (bench.store.clone(), Arc::clone(&start));
        let condition = on_cluster(&cluster, tag);
        let asked = asked("one", OperationKind::Scale);
        let uuid = cluster.uuid;
        writers.spawn(async move {
            start.wait().await;
            condition.around(store.request_scale(ClusterId::of(uuid), group, count, &[], asked)).await
        });
    }
    let outcomes = writers.join_all().await;
    let refused = outcomes.iter().filter(|outcome| matches!(outcome, Err(StoreError::PreconditionFailed))).count();
    assert_eq!((outcomes.iter().filter(|outcome| outcome.is_ok()).count(), refused), (1, 1), "{outcomes:?}");
    let operations = bench.store.operations(&Scope::All, None, &crate::Page::default()).await.unwrap();
    assert_eq!(operations.len(), 2, "the creation and one scale");
}

#[tokio::test]
async fn a_stale_delete_deletes_nothing_and_a_fresh_one_does() {
    let bench = Bench::new().await;
    let stale = Tag::of(&bench.template);
    let ident = bench.template.uuid.to_string();
    let condition = |tag| Precondition::new(project("one"), Target::Template(ident.clone()), move |now| now == tag);
    let changed = ClusterTemplate { name: Some("other".to_owned()), ..bench.template.clone() };
    bench.store.update_template(&bench.template, &changed, true).await.unwrap();

    let deleted = condition(stale).around(bench.store.delete_template(&changed)).await;
    assert_eq!(deleted, Err(StoreError::PreconditionFailed));
    condition(Tag::of(&changed)).around(bench.store.delete_template(&changed)).await.unwrap();
    let gone = condition(stale).around(bench.store.delete_template(&changed)).await;
    assert!(matches!(gone, Err(StoreError::NotFound { .. })));
}

#[tokio::test]
async fn a_condition_is_about_the_state_before_the_requests_first_write() {
    let bench = Bench::new().await;
    let cluster = bench.created("one", "prod").await;
    let record = bench.record(&cluster).await;
    let (group, store) = (workers(&record).uuid, bench.store.clone());
    let both = async {
        store.request_scale(ClusterId::of(cluster.uuid), group, 3, &[], asked("one", OperationKind::Scale)).await?;
        store.set_health(ClusterId::of(cluster.uuid), jeroboam_model::Health::Healthy, BTreeMap::new()).await
    };
    Box::pin(on_cluster(&cluster, record.tag()).around(both)).await.unwrap();
    assert_eq!(bench.record(&cluster).await.cluster.health, Some(jeroboam_model::Health::Healthy));
}

#[tokio::test]
async fn tags_follow_what_clients_see() {
    let bench = Bench::new().await;
    let cluster = bench.created("one", "prod").await;
    let before = bench.record(&cluster).await;
    assert_eq!(bench.record(&cluster).await.tag(), before.tag());
    let node = before.nodes[0].uuid;
    bench.store.set_machine(node, "m-1", None).await.unwrap();
    assert_eq!(bench.record(&cluster).await.tag(), before.tag(), "nobody sees machines");
    bench.store.set_machine(node, "m-1", Some("10.0.0.1".parse().unwrap())).await.unwrap();
    let after = bench.record(&cluster).await;
    assert_ne!(after.tag(), before.tag());
    let tags = |record: &ClusterRecord| {
        ["default-master", "default-worker", "none"].map(|name| record.group_tag(name).map(|tag| tag.0))
    };
    assert_ne!(tags(&after)[0], tags(&before)[0], "the master's group shows its address");
    assert_eq!(tags(&after)[1..], tags(&before)[1..]);
}
