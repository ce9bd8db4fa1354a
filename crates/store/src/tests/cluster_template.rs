use super::*;
use crate::{Page, StoreError};

#[tokio::test]
async fn what_is_kept_is_what_comes_back() {
    let bench = Bench::new().await;
    let mut expected = bench.template.clone();
    assert_eq!(bench.store.template(&project("one"), "small").await.unwrap(), expected);

    expected.name = Some("big".to_owned());
    expected.public = true;
    expected.apiserver_port = None;
    expected.updated_at = Some(now());
    bench.store.update_template(&expected).await.unwrap();
    assert_eq!(bench.store.template_by_uuid(expected.uuid).await.unwrap(), expected);
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
    let uuid = bench.template.uuid;
    assert!(!bench.store.template_in_use(uuid).await.unwrap());
    let cluster = bench.created("one", "prod").await;
    assert!(bench.store.template_in_use(uuid).await.unwrap());
    assert!(matches!(bench.store.delete_template(uuid).await, Err(StoreError::InUse(_))));

    bench.store.request_delete(cluster.uuid, asked("one", OperationKind::Delete)).await.unwrap();
    bench.succeed().await;
    bench.store.delete_template(uuid).await.unwrap();
    assert!(matches!(bench.store.delete_template(uuid).await, Err(StoreError::NotFound { .. })));
    assert!(matches!(bench.store.update_template(&bench.template).await, Err(StoreError::NotFound { .. })));
}

#[tokio::test]
async fn the_same_id_twice_is_refused() {
    let bench = Bench::new().await;
    let again = bench.store.create_template(&bench.template).await;
    assert!(matches!(again, Err(StoreError::Conflict(_))), "{again:?}");
    assert_eq!(bench.store.templates(&Scope::All, &Page::default()).await.unwrap(), [bench.template]);
}
