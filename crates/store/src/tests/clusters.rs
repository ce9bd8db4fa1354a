use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use jeroboam_model::Health;

use super::*;
use crate::{Event, HealthChange, Page, StoreError};

#[tokio::test]
async fn a_new_cluster_is_there_whole() {
    let bench = Bench::new().await;
    let mut events = bench.store.subscribe();
    let (cluster, operation) = bench.create("one", "prod").await;

    let record = bench.store.cluster(&project("one"), "prod").await.unwrap();
    assert_eq!(record.cluster, cluster);
    assert_eq!(record.groups.len(), 2);
    assert_eq!(record.groups[0].node_labels, BTreeMap::from([("disk".to_owned(), "ssd".to_owned())]));
    let nodes: Vec<_> = record.nodes.iter().map(|node| (node.name.as_str(), node.slot, node.wanted)).collect();
    assert_eq!(nodes, [("prod-master-0", 0, true), ("prod-worker-0", 1, true), ("prod-worker-1", 2, true)]);
    assert_eq!(operation.kind, OperationKind::Create);
    assert_eq!(operation.deadline_at, Some(operation.created_at + SignedDuration::from_hours(1)));
    assert_eq!(bench.operation(operation.uuid).await, operation);
    let event = Event { cluster: cluster.uuid, operation: Some(operation.uuid), node: None };
    assert_eq!(events.try_recv().unwrap(), event);
}

#[tokio::test]
async fn another_projects_cluster_is_not_there() {
    let bench = Bench::new().await;
    let (cluster, operation) = bench.create("one", "prod").await;
    bench.create("two", "other").await;
    let (one, two) = (project("one"), project("two"));

    for ident in ["prod".to_owned(), cluster.uuid.to_string()] {
        assert!(bench.store.cluster(&one, &ident).await.is_ok());
        assert!(bench.store.cluster(&Scope::All, &ident).await.is_ok());
        assert!(matches!(bench.store.cluster(&two, &ident).await, Err(StoreError::NotFound { .. })));
    }
    assert_eq!(bench.store.clusters(&one, &Page::default()).await.unwrap().len(), 1);
    assert_eq!(bench.store.clusters(&Scope::All, &Page::default()).await.unwrap().len(), 2);
    let marked = Page { marker: Some(cluster.uuid), ..Page::default() };
    assert!(matches!(bench.store.clusters(&two, &marked).await, Err(StoreError::NotFound { .. })));

    assert!(bench.store.operation(&one, operation.uuid).await.is_ok());
    assert!(matches!(bench.store.operation(&two, operation.uuid).await, Err(StoreError::NotFound { .. })));
    assert!(matches!(bench.store.request_cancel(&two, operation.uuid).await, Err(StoreError::NotFound { .. })));
    assert_eq!(bench.status(&cluster).await, Status::CreateInProgress);
    for ident in [None, Some("prod"), Some(&*cluster.uuid.to_string())] {
        let seen = bench.store.operations(&two, ident, &Page::default()).await.unwrap();
        assert!(seen.iter().all(|operation| operation.project_id == "two"), "{ident:?}");
    }
}

#[tokio::test]
async fn the_same_name_twice_is_two_clusters() {
    let bench = Bench::new().await;
    let (first, _) = bench.create("one", "prod").await;
    bench.create("one", "prod").await;
    assert!(matches!(bench.store.cluster(&project("one"), "prod").await, Err(StoreError::Ambiguous { .. })));
    let found = bench.store.cluster(&project("one"), &first.uuid.to_string()).await.unwrap();
    assert_eq!(found.cluster.uuid, first.uuid);
}

#[tokio::test]
async fn a_cluster_of_a_template_that_is_gone_is_refused() {
    let bench = Bench::new().await;
    let gone = template("one", "gone");
    let cluster = cluster("one", "prod", gone.uuid);
    let made = bench.store.create_cluster(&gone, &cluster, &[], asked("one", OperationKind::Create)).await;
    assert!(matches!(made, Err(StoreError::NotFound { what: "cluster template", .. })), "{made:?}");
    assert!(bench.store.operations(&Scope::All, None, &Page::default()).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_list_takes_as_many_statements_for_many_as_for_one() {
    let (bench, statements) = Bench::counting().await;
    let mut counts = BTreeSet::new();
    for name in ["a", "b", "c", "d"] {
        bench.create("one", name).await;
        let before = statements.load(Ordering::SeqCst);
        bench.store.clusters(&project("one"), &Page::default()).await.unwrap();
        counts.insert(statements.load(Ordering::SeqCst) - before);
    }
    assert_eq!(counts, BTreeSet::from([3]));
    let before = statements.load(Ordering::SeqCst);
    bench.store.operations(&project("one"), None, &Page::default()).await.unwrap();
    assert_eq!(statements.load(Ordering::SeqCst) - before, 1);
}

#[tokio::test]
async fn facts_and_health_are_kept_and_only_addresses_concern_agents() {
    let bench = Bench::new().await;
    let (cluster, _) = bench.create("one", "prod").await;
    let revision = bench.store.cluster_revision(cluster.uuid).await.unwrap();
    assert!(revision > 0, "agents begin with 0 and wait for more");

    let facts = ClusterFacts { coe_version: Some("v1.37.2".to_owned()), ..ClusterFacts::default() };
    bench.store.set_cluster_facts(cluster.uuid, facts).await.unwrap();
    assert_eq!(bench.store.cluster_revision(cluster.uuid).await.unwrap(), revision);
    let facts = ClusterFacts { api_address: Some("https://172.18.0.10:6443".to_owned()), ..ClusterFacts::default() };
    bench.store.set_cluster_facts(cluster.uuid, facts.clone()).await.unwrap();
    assert_eq!(bench.store.cluster_revision(cluster.uuid).await.unwrap(), revision + 1);
    bench.store.set_cluster_facts(cluster.uuid, facts).await.unwrap();
    assert_eq!(bench.store.cluster_revision(cluster.uuid).await.unwrap(), revision + 1);

    let reason = BTreeMap::from([("api".to_owned(), "ok".to_owned())]);
    let mut events = bench.store.subscribe();
    bench.store.set_health(ClusterId::of(cluster.uuid), Health::Healthy, reason.clone()).await.unwrap();
    assert_eq!(events.try_recv().unwrap().cluster, cluster.uuid);
    bench.store.set_health(ClusterId::of(cluster.uuid), Health::Healthy, reason.clone()).await.unwrap();
    assert!(events.try_recv().is_err(), "nothing changed");

    let found = bench.record(&cluster).await.cluster;
    assert_eq!(found.coe_version.as_deref(), Some("v1.37.2"));
    assert_eq!(found.api_address.as_deref(), Some("https://172.18.0.10:6443"));
    assert_eq!((found.health, found.health_reason), (Some(Health::Healthy), reason));
}

#[tokio::test]
async fn what_is_not_said_about_health_stays_as_it_was() {
    let bench = Bench::new().await;
    let (cluster, _) = bench.create("one", "prod").await;
    let reason = |word: &str| BTreeMap::from([("api".to_owned(), word.to_owned())]);
    for (change, expected) in [
        (HealthChange { status: None, reason: Some(reason("a")) }, (None, reason("a"))),
        (HealthChange { status: Some(Health::Healthy), reason: None }, (Some(Health::Healthy), reason("a"))),
        (HealthChange { status: None, reason: Some(reason("b")) }, (Some(Health::Healthy), reason("b"))),
        (HealthChange::default(), (Some(Health::Healthy), reason("b"))),
    ] {
        bench.store.change_health(ClusterId::of(cluster.uuid), &change).await.unwrap();
        let found = bench.record(&cluster).await.cluster;
        assert_eq!((found.health, found.health_reason), expected);
    }
    let missing = bench.store.change_health(ClusterId::of(Uuid::new_v4()), &HealthChange::default()).await;
    assert!(matches!(missing, Err(StoreError::NotFound { .. })), "{missing:?}");
}

#[tokio::test]
async fn a_size_and_health_are_changed_together_or_not_at_all() {
    let bench = Bench::new().await;
    let cluster = bench.created("one", "prod").await;
    let group = workers(&bench.record(&cluster).await).uuid;
    let sick = HealthChange { status: Some(Health::Unhealthy), reason: None };
    let ask = || asked("one", OperationKind::Scale);
    let stranger = [Uuid::new_v4()];
    let refused =
        bench.store.request_change(ClusterId::of(cluster.uuid), group, 1, &stranger, Some(&sick), ask()).await;
    assert!(matches!(refused, Err(StoreError::NotFound { .. })), "{refused:?}");
    assert_eq!(bench.record(&cluster).await.cluster.health, None);
    bench.store.request_change(ClusterId::of(cluster.uuid), group, 1, &[], Some(&sick), ask()).await.unwrap();
    let record = bench.record(&cluster).await;
    assert_eq!((record.cluster.health, workers(&record).node_count), (Some(Health::Unhealthy), 1));
}

#[tokio::test]
async fn a_cluster_may_have_more_nodes_than_fit_into_one_statement() {
    let bench = Bench::new().await;
    let cluster = cluster("one", "big", bench.template.uuid);
    let asked = asked("one", OperationKind::Create);
    let operation =
        bench.store.create_cluster(&bench.template, &cluster, &groups(&cluster, 3000), asked).await.unwrap();
    let nodes = bench.store.nodes(cluster.uuid).await.unwrap();
    assert_eq!(nodes.len(), 3001);
    let claim = bench.claim().await;
    let machine = |node: &jeroboam_model::Node| {
        step(1, plan::Action::EnsureMachine(plan::NodeRef { uuid: node.uuid, name: node.name.clone() }))
    };
    let plan: Vec<_> = nodes.iter().map(machine).collect();
    bench.store.record_plan(operation.uuid, claim.fence, &plan).await.unwrap();
    bench.store.record_plan(operation.uuid, claim.fence, &[]).await.unwrap();
    assert_eq!(bench.operation(operation.uuid).await.steps.len(), 3001);
}
