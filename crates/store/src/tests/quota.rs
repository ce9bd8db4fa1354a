use jeroboam_model::{Quota, QuotaResource};

use super::*;
use crate::{Page, StoreError};

fn quota(project: &str, resource: QuotaResource, hard_limit: u32) -> Quota {
    Quota { id: 0, project_id: project.to_owned(), resource, hard_limit, created_at: now(), updated_at: None }
}

fn reached<T: std::fmt::Debug>(outcome: Result<T, StoreError>, resource: QuotaResource, limit: u32) {
    assert_eq!(outcome.unwrap_err(), StoreError::QuotaReached { resource, limit });
}

/// A request of project `one` under these limits.
fn under(quotas: QuotaDefaults, kind: OperationKind) -> NewOperation {
    NewOperation { quotas, ..asked("one", kind) }
}

#[tokio::test]
async fn many_who_want_the_last_places_of_a_quota_do_not_all_get_one() {
    let bench = Bench::new().await;
    bench.store.create_quota(&quota("one", QuotaResource::Cluster, 4)).await.unwrap();
    bench.store.create_quota(&quota("one", QuotaResource::WorkerNode, 9)).await.unwrap();
    bench.create("one", "first").await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..32 {
        let (store, template) = (bench.store.clone(), bench.template.clone());
        let cluster = cluster("one", &format!("c{number}"), template.uuid);
        // Some of them want more nodes than there are places.
        let workers = number % 4 + 1;
        tasks.spawn(async move {
            let asked = asked("one", OperationKind::Create);
            store.create_cluster(&template, &cluster, &groups(&cluster, workers), asked).await
        });
    }
    let outcomes = tasks.join_all().await;
    let refused = outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
    assert!(refused.clone().all(|error| matches!(error, StoreError::QuotaReached { .. })));
    let made = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let stats = bench.store.stats(&project("one")).await.unwrap();
    assert_eq!(stats.clusters, made as u64 + 1);
    let workers = stats.nodes - stats.clusters;
    assert!(stats.clusters <= 4 && workers <= 9, "{stats:?}");
    // Either the quota is used up, or no request was small enough for the rest.
    assert!(stats.clusters == 4 || workers == 9, "{stats:?}");
    assert_eq!(bench.store.operations(&Scope::All, None, &Page::default()).await.unwrap().len(), made + 1);
    // Another project has its own.
    bench.create("two", "other").await;
}

#[tokio::test]
async fn without_a_quota_of_its_own_the_default_holds_for_a_project() {
    let bench = Bench::new().await;
    let limits = QuotaDefaults { clusters: 1, worker_nodes: Some(3), master_nodes: Some(1) };
    let create = |name: &'static str, workers: u32| {
        let (store, template) = (bench.store.clone(), bench.template.clone());
        let cluster = cluster("one", name, template.uuid);
        async move {
            let new = under(limits, OperationKind::Create);
            store.create_cluster(&template, &cluster, &groups(&cluster, workers), new).await.map(|_| cluster)
        }
    };
    reached(create("a", 4).await, QuotaResource::WorkerNode, 3);
    let cluster = create("a", 3).await.unwrap();
    reached(create("b", 0).await, QuotaResource::Cluster, 1);
    bench.store.create_quota(&quota("one", QuotaResource::Cluster, 2)).await.unwrap();
    reached(create("b", 0).await, QuotaResource::MasterNode, 1);
    assert!(bench.store.cluster_by_uuid(&Scope::All, cluster.uuid).await.is_ok());
    assert_eq!(bench.store.clusters(&Scope::All, &Page::default()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn growing_takes_of_the_quota_and_shrinking_never_does() {
    let bench = Bench::new().await;
    let cluster = bench.created("one", "c").await;
    bench.store.create_quota(&quota("one", QuotaResource::WorkerNode, 3)).await.unwrap();
    let group = workers(&bench.record(&cluster).await).uuid;
    let scale = |count| {
        bench.store.request_scale(ClusterId::of(cluster.uuid), group, count, &[], asked("one", OperationKind::Scale))
    };
    reached(scale(4).await, QuotaResource::WorkerNode, 3);
    assert_eq!(bench.status(&cluster).await, Status::CreateComplete);
    scale(3).await.unwrap();
    // Lowered below what there is: less is still possible, more is not.
    bench.store.update_quota("one", QuotaResource::WorkerNode, 1, now()).await.unwrap();
    scale(2).await.unwrap();
    reached(scale(3).await, QuotaResource::WorkerNode, 1);
    let more = NodeGroup { name: "more".to_owned(), is_default: false, ..groups(&cluster, 1).remove(0) };
    let asked_for = asked("one", OperationKind::Update);
    reached(
        bench.store.request_node_group(ClusterId::of(more.cluster), &more, asked_for).await,
        QuotaResource::WorkerNode,
        1,
    );
}

#[tokio::test]
async fn quotas_are_kept_found_changed_and_deleted() {
    let bench = Bench::new().await;
    let store = &bench.store;
    let made = store.create_quota(&quota("one", QuotaResource::Cluster, 5)).await.unwrap();
    assert_eq!(store.quota("one", QuotaResource::Cluster).await.unwrap(), Some(made.clone()));
    assert_eq!(store.quota("one", QuotaResource::MasterNode).await.unwrap(), None);
    let again = store.create_quota(&quota("one", QuotaResource::Cluster, 6)).await;
    assert!(matches!(again, Err(StoreError::Conflict(_))), "{again:?}");
    let chosen = Quota { id: 77, ..quota("two", QuotaResource::Cluster, 6) };
    assert_eq!(store.create_quota(&chosen).await.unwrap(), chosen);

    let page = Page { limit: 1, ..Page { marker: None, limit: 0, sort_key: None, descending: false } };
    assert_eq!(store.quotas(&Scope::All, &page).await.unwrap(), std::slice::from_ref(&made));
    let next = Page { marker: Some(made.id), ..page.clone() };
    assert_eq!(store.quotas(&Scope::All, &next).await.unwrap(), std::slice::from_ref(&chosen));
    assert_eq!(store.quotas(&project("two"), &page).await.unwrap(), [chosen]);
    let foreign = store.quotas(&project("two"), &next).await;
    assert!(matches!(foreign, Err(StoreError::NotFound { .. })), "{foreign:?}");
    let bad = Page { sort_key: Some("nope".to_owned()), ..page };
    assert!(matches!(store.quotas(&Scope::All, &bad).await, Err(StoreError::BadSortKey(_))));

    let changed = store.update_quota("one", QuotaResource::Cluster, 7, now()).await.unwrap();
    assert_eq!((changed.id, changed.hard_limit, changed.updated_at.is_some()), (made.id, 7, true));
    store.delete_quota("one", QuotaResource::Cluster).await.unwrap();
    for missing in [
        store.delete_quota("one", QuotaResource::Cluster).await,
        store.update_quota("one", QuotaResource::Cluster, 1, now()).await.map(drop),
    ] {
        assert!(matches!(missing, Err(StoreError::NotFound { .. })), "{missing:?}");
    }
}
