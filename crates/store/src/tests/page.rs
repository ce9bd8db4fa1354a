use super::*;
use crate::{Page, StoreError};

/// All names by pages of two.
async fn walk(bench: &Bench, sort_key: &str, descending: bool) -> Vec<String> {
    let mut page = Page { limit: 2, marker: None, sort_key: Some(sort_key.to_owned()), descending };
    let mut names = Vec::new();
    loop {
        let part = bench.store.clusters(&project("one"), &page).await.unwrap();
        assert!(part.len() <= 2);
        let Some(last) = part.last() else { return names };
        page.marker = Some(last.cluster.uuid);
        names.extend(part.into_iter().map(|record| record.cluster.name));
    }
}

#[tokio::test]
async fn pages_together_are_the_whole_list_in_order_also_where_values_are_equal_or_missing() {
    let bench = Bench::new().await;
    for (name, keypair) in [("d", None), ("b", Some("x")), ("e", Some("x")), ("a", None), ("c", Some("w"))] {
        let cluster = Cluster { keypair: keypair.map(ToOwned::to_owned), ..cluster("one", name, bench.template.uuid) };
        bench.store.create_cluster(&bench.template, &cluster, &[], asked("one", OperationKind::Create)).await.unwrap();
    }
    bench.create("two", "z").await;
    for (sort_key, expected) in [
        ("", ["d", "b", "e", "a", "c"]),
        ("id", ["d", "b", "e", "a", "c"]),
        ("name", ["a", "b", "c", "d", "e"]),
        ("keypair", ["c", "b", "e", "d", "a"]),
        ("status", ["d", "b", "e", "a", "c"]),
        ("labels", ["d", "b", "e", "a", "c"]),
        ("floating_ip_enabled", ["d", "b", "e", "a", "c"]),
    ] {
        assert_eq!(walk(&bench, sort_key, false).await, expected, "{sort_key}");
        let mut backwards = expected.to_vec();
        backwards.reverse();
        assert_eq!(walk(&bench, sort_key, true).await, backwards, "{sort_key} backwards");
    }
}

#[tokio::test]
async fn unknown_and_derived_sort_keys_are_refused() {
    let bench = Bench::new().await;
    for bad in ["nope", "node_count", "revision", "template_uuid", "id; drop table clusters"] {
        let page = Page { sort_key: Some(bad.to_owned()), ..Page::default() };
        let refused = StoreError::BadSortKey(bad.to_owned());
        assert_eq!(bench.store.clusters(&Scope::All, &page).await.unwrap_err(), refused);
        assert_eq!(bench.store.templates(&Scope::All, &page).await.unwrap_err(), refused);
        assert_eq!(bench.store.operations(&Scope::All, None, &page).await.unwrap_err(), refused);
    }
}

#[tokio::test]
async fn every_sort_key_of_the_api_works() {
    let bench = Bench::new().await;
    bench.create("one", "prod").await;
    for key in [
        "uuid",
        "cluster_template_id",
        "create_timeout",
        "health_status",
        "health_status_reason",
        "stack_id",
        "cluster_id",
        "updated_at",
    ] {
        let page = Page { sort_key: Some(key.to_owned()), ..Page::default() };
        assert_eq!(bench.store.clusters(&Scope::All, &page).await.unwrap().len(), 1, "{key}");
    }
    for key in ["coe", "apiserver_port", "public", "labels", "tags", "created_at"] {
        let page = Page { sort_key: Some(key.to_owned()), ..Page::default() };
        assert_eq!(bench.store.templates(&Scope::All, &page).await.unwrap().len(), 1, "{key}");
    }
}

#[tokio::test]
async fn operations_come_newest_first() {
    let bench = Bench::new().await;
    for name in ["a", "b", "c"] {
        bench.create("one", name).await;
    }
    let names = async |page: Page| {
        let listed = bench.store.operations(&project("one"), None, &page).await.unwrap();
        listed.into_iter().map(|operation| (operation.uuid, operation.cluster_name)).collect::<Vec<_>>()
    };
    let all = names(Page::default()).await;
    assert_eq!(all.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>(), ["c", "b", "a"]);
    assert_eq!(names(Page { limit: 1, marker: Some(all[0].0), ..Page::default() }).await, all[1..2]);
    let by_name = names(Page { sort_key: Some("cluster_name".to_owned()), ..Page::default() }).await;
    assert_eq!(by_name.first().unwrap().1, "a");
}
