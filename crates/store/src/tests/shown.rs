use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use super::*;
use crate::{Page, StoreError};

fn without_reports(mut record: ClusterRecord) -> ClusterRecord {
    record.nodes.iter_mut().for_each(|node| node.report = None);
    record
}

#[tokio::test]
async fn what_is_shown_is_what_is_there_without_reports() {
    let bench = Bench::new().await;
    let (cluster, _) = bench.create("one", "prod").await;
    bench.create("one", "other").await;
    let node = bench.record(&cluster).await.nodes[0].uuid;
    bench.store.record_report(node, &super::node::report(1), now()).await.unwrap();
    bench.store.set_machine(node, "m-1", Some("10.0.0.1".parse().unwrap())).await.unwrap();
    let expected = (without_reports(bench.record(&cluster).await), bench.template.labels.clone());
    assert!(bench.record(&cluster).await.nodes[0].report.is_some());
    for scope in [project("one"), Scope::All] {
        for ident in [cluster.uuid.to_string(), cluster.uuid.simple().to_string(), "prod".to_owned()] {
            assert_eq!(bench.store.shown_cluster(&scope, &ident).await.unwrap(), expected, "{ident}");
        }
    }
    let found = bench.store.shown_clusters(&project("one"), &Page::default(), true).await.unwrap();
    assert_eq!(found[0], expected.0);
    let found = bench.store.shown_clusters(&project("one"), &Page::default(), false).await.unwrap();
    assert!(found.iter().all(|record| record.nodes.is_empty() && record.groups.len() == 2));
}

#[tokio::test]
async fn another_projects_cluster_is_not_shown() {
    let bench = Bench::new().await;
    let (cluster, _) = bench.create("one", "prod").await;
    for ident in [cluster.uuid.to_string(), "prod".to_owned(), Uuid::new_v4().to_string()] {
        let seen = bench.store.shown_cluster(&project("two"), &ident).await;
        assert!(matches!(seen, Err(StoreError::NotFound { .. })), "{ident}");
    }
    // The second one of that name is found by its id only, which may also be a name.
    bench.create("one", &cluster.uuid.to_string()).await;
    let seen = bench.store.shown_cluster(&project("one"), &cluster.uuid.to_string()).await.unwrap();
    assert_eq!(seen.0.cluster.name, "prod");
}

#[tokio::test]
async fn a_page_takes_as_many_statements_for_100_clusters_as_for_one() {
    let (bench, statements) = Bench::counting().await;
    let mut counts = BTreeSet::new();
    for number in 0..100 {
        bench.create("one", &format!("c{number}")).await;
        if number != 0 && number != 99 {
            continue;
        }
        for with_nodes in [false, true] {
            let before = statements.load(Ordering::SeqCst);
            let found = bench.store.shown_clusters(&project("one"), &Page::default(), with_nodes).await.unwrap();
            assert_eq!(found.len(), number + 1);
            counts.insert((with_nodes, statements.load(Ordering::SeqCst) - before));
        }
    }
    assert_eq!(counts, BTreeSet::from([(false, 2), (true, 3)]));
}

#[tokio::test]
async fn one_cluster_and_the_number_of_the_templates_are_read_the_quick_way() {
    let (bench, statements) = Bench::of(TestDatabase::sqlite().unwrap()).await;
    let (cluster, _) = bench.create("one", "prod").await;
    let before = statements.load(Ordering::SeqCst);
    let (seen, _) = bench.store.shown_cluster(&project("one"), &cluster.uuid.to_string()).await.unwrap();
    assert_eq!((seen.cluster.uuid, seen.nodes.is_empty()), (cluster.uuid, false));
    assert!(bench.store.templates_revision().await.unwrap() > 0);
    // A failing quick read falls back to the usual driver, which only its duration would show.
    assert_eq!(statements.load(Ordering::SeqCst), before, "the usual way was not taken");
    bench.store.shown_cluster(&project("one"), "prod").await.unwrap();
    assert!(statements.load(Ordering::SeqCst) > before, "by name it is");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_is_given_up_leaves_nothing_open() {
    let bench = Bench::new().await;
    let (cluster, _) = bench.create("one", "prod").await;
    let ident = cluster.uuid.to_string();
    for _ in 0..50 {
        // Polled once, then dropped: somewhere between asking and the last row.
        let read = bench.store.shown_cluster(&Scope::All, &ident);
        tokio::select! {
            biased;
            _ = read => {}
            () = tokio::task::yield_now() => {}
        }
    }
    bench.succeed().await;
    for _ in 0..10 {
        let (record, _) = bench.store.shown_cluster(&Scope::All, &ident).await.unwrap();
        assert_eq!(record.cluster.status, Status::CreateComplete);
    }
    bench.store.close().await.unwrap();
    assert!(bench.store.shown_cluster(&Scope::All, &ident).await.is_err());
}
