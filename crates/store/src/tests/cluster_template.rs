use super::*;
use crate::{Page, Precondition, StoreError, Tag, Target};

#[tokio::test]
async fn what_is_kept_is_what_comes_back() {
    let bench = Bench::new().await;
    let mut expected = bench.template.clone();
    assert_eq!(bench.store.template(&project("one"), "small").await.unwrap(), expected);

    expected.name = Some("big".to_owned());
    expected.public = true;
    expected.apiserver_port = None;
    expected.updated_at = Some(now());
    bench.store.update_template(&bench.template, &expected, false).await.unwrap();
    assert_eq!(bench.store.template(&Scope::All, &expected.uuid.to_string()).await.unwrap(), expected);
    assert_eq!(bench.store.template(&project("one"), &expected.uuid.to_string()).await.unwrap(), expected);
}

#[tokio::test]
async fn another_projects_template_is_seen_when_it_is_public_and_not_hidden() {
    let bench = Bench::new().await;
    for (name, public, hidden) in
        [("private", false, false), ("public", true, false), ("hidden", true, true), ("private-hidden", false, true)]
    {
        let template = ClusterTemplate { public, hidden, ..template("two", name) };
        bench.store.create_template(&template).await.unwrap();
    }
    let names = async |scope: Scope| {
        let listed = bench.store.templates(&scope, &Page::default()).await.unwrap();
        listed.into_iter().filter_map(|template| template.name).collect::<Vec<_>>()
    };
    assert_eq!(names(project("one")).await, ["small", "public"]);
    assert_eq!(names(project("two")).await, ["private", "public", "hidden", "private-hidden"]);
    assert_eq!(names(project("three")).await, ["public"]);
    assert_eq!(names(Scope::All).await.len(), 5);

    for unseen in ["private", "hidden", "private-hidden"] {
        let found = bench.store.template(&project("one"), unseen).await;
        assert!(matches!(found, Err(StoreError::NotFound { .. })), "{unseen}");
    }
    assert!(bench.store.template(&project("two"), "hidden").await.is_ok());
}

#[tokio::test]
async fn an_ambiguous_name_is_refused_and_an_id_is_not() {
    let bench = Bench::new().await;
    bench.store.create_template(&template("one", "small")).await.unwrap();
    let found = bench.store.template(&project("one"), "small").await;
    assert!(matches!(found, Err(StoreError::Ambiguous { .. })));
    assert!(bench.store.template(&project("one"), &bench.template.uuid.to_string()).await.is_ok());
}

#[tokio::test]
async fn who_names_a_template_like_anothers_id_takes_nothing_over() {
    let bench = Bench::new().await;
    let public = ClusterTemplate { public: true, ..template("two", &bench.template.uuid.to_string()) };
    bench.store.create_template(&public).await.unwrap();
    let found = bench.store.template(&project("one"), &bench.template.uuid.to_string()).await.unwrap();
    assert_eq!(found.uuid, bench.template.uuid);
}

#[tokio::test]
async fn a_template_in_use_stays_until_its_cluster_is_gone() {
    let bench = Bench::new().await;
    let (store, old) = (&bench.store, &bench.template);
    let proxied = |proxy: &str| ClusterTemplate { http_proxy: Some(proxy.to_owned()), ..old.clone() };
    store.update_template(old, &proxied("a"), false).await.unwrap();
    store.update_template(&proxied("a"), old, false).await.unwrap();
    let cluster = bench.created("one", "prod").await;
    assert!(matches!(store.delete_template(old).await, Err(StoreError::InUse(_))));
    assert!(matches!(store.update_template(old, &proxied("b"), false).await, Err(StoreError::InUse(_))));
    let renamed = ClusterTemplate { name: Some("other".to_owned()), ..old.clone() };
    store.update_template(old, &renamed, true).await.unwrap();
    assert_eq!(store.template(&Scope::All, &old.uuid.to_string()).await.unwrap(), renamed);

    bench.store.request_delete(ClusterId::of(cluster.uuid), asked("one", OperationKind::Delete)).await.unwrap();
    bench.succeed().await;
    store.delete_template(&renamed).await.unwrap();
    assert!(matches!(store.delete_template(&renamed).await, Err(StoreError::NotFound { .. })));
    assert!(matches!(store.update_template(&renamed, old, true).await, Err(StoreError::NotFound { .. })));
}

#[tokio::test]
async fn the_same_id_twice_is_refused() {
    let bench = Bench::new().await;
    let again = bench.store.create_template(&bench.template).await;
    assert!(matches!(again, Err(StoreError::Conflict(_))), "{again:?}");
    assert_eq!(bench.store.templates(&Scope::All, &Page::default()).await.unwrap(), [bench.template]);
}

#[tokio::test]
async fn nothing_is_built_on_a_template_that_was_changed_since_it_was_read() {
    let bench = Bench::new().await;
    let (store, read) = (&bench.store, &bench.template);
    let first = ClusterTemplate { http_proxy: Some("http://proxy".to_owned()), ..read.clone() };
    store.update_template(read, &first, false).await.unwrap();
    let overtaken = StoreError::Overtaken { what: "cluster template" };

    let second = ClusterTemplate { tags: Some("x".to_owned()), ..read.clone() };
    assert_eq!(store.update_template(read, &second, false).await, Err(overtaken.clone()), "the proxy would be lost");
    assert_eq!(store.delete_template(read).await, Err(overtaken.clone()));
    let new = cluster("one", "c", read.uuid);
    let asked = |kind| asked("one", kind);
    let made = store.create_cluster(read, &new, &groups(&new, 1), asked(OperationKind::Create)).await;
    assert_eq!(made, Err(overtaken.clone()));
    assert_eq!(store.template(&Scope::All, &read.uuid.to_string()).await.unwrap(), first);
    assert!(store.clusters(&Scope::All, &Page::default()).await.unwrap().is_empty());

    store.create_cluster(&first, &new, &groups(&new, 1), asked(OperationKind::Create)).await.unwrap();
    bench.succeed().await;
    let (group, seen) = (workers(&bench.record(&new).await).uuid, template("one", "seen"));
    store.create_template(&seen).await.unwrap();
    store.update_template(&seen, &ClusterTemplate { tls_disabled: true, ..seen.clone() }, false).await.unwrap();
    let upgraded = store.request_upgrade(ClusterId::of(new.uuid), group, &seen, asked(OperationKind::Upgrade)).await;
    assert_eq!(upgraded, Err(overtaken));
}

#[tokio::test]
async fn who_begins_anew_after_a_change_is_held_to_the_demand_anew() {
    let bench = Bench::new().await;
    let (store, read) = (&bench.store, &bench.template);
    let named = |name: &str| ClusterTemplate { name: Some(name.to_owned()), ..read.clone() };
    store.update_template(read, &named("a"), true).await.unwrap();
    let tag = Tag::of(&named("a"));
    let demand = Precondition::new(project("one"), Target::Template(read.uuid.to_string()), move |now| now == tag);
    // The first attempt is based on an older state than the client's precondition; before the second it changes again.
    let tries = async {
        let first = store.update_template(read, &named("b"), true).await;
        tokio::spawn({
            let (store, from, to) = (store.clone(), named("a"), named("c"));
            async move { store.update_template(&from, &to, true).await }
        })
        .await
        .unwrap()
        .unwrap();
        (first, store.update_template(&named("c"), &named("b"), true).await)
    };
    let (first, second) = demand.around(tries).await;
    assert!(matches!(first, Err(StoreError::Overtaken { .. })), "{first:?}");
    assert_eq!(second, Err(StoreError::PreconditionFailed));
}
