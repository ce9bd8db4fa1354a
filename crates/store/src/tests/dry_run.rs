#![allow(clippy::large_futures, reason = "one at a time, in tests")]

use jeroboam_model::{OperationStatus, status::Request};

use super::*;
use crate::{ClusterId, DryRun, HealthChange, IdempotencyKey, NewAuthority, StoreError};

/// All rows of all tables, as text.
fn everything(bench: &Bench) -> Vec<String> {
    let database = rusqlite::Connection::open(bench.file()).unwrap();
    let names = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name";
    let mut names = database.prepare(names).unwrap();
    let names: Vec<String> = names.query_map((), |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let mut all = Vec::new();
    for name in names {
        let mut rows = database.prepare(&format!("SELECT * FROM \"{name}\"")).unwrap();
        let columns = rows.column_count();
        let mut rows = rows.query(()).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let values = (0..columns).map(|column| format!("{:?}", row.get_ref(column).unwrap()));
            all.push(format!("{name}: {}", values.collect::<Vec<_>>().join(", ")));
        }
    }
    all
}

#[tokio::test]
async fn a_dry_run_tells_what_would_be_and_leaves_nothing() {
    let bench = Bench::sqlite().await;
    let store = &bench.store;
    store.want_notifications(true).await.unwrap();
    let there = bench.created("one", "there").await;
    let failed = bench.create("one", "failed").await.0;
    bench.end(Outcome::Failed(trouble())).await;
    store.put_secret(ClusterId::assumed(there.uuid), "kubernetes", Some("old"), None).await.unwrap();
    let group = workers(&bench.record(&there).await).uuid;
    let before = everything(&bench);
    let mut events = store.subscribe();

    let new = cluster("one", "new", bench.template.uuid);
    let groups = groups(&new, 2);
    let key = || IdempotencyKey::new(&["me"], &[b"body"], "req-1");
    let run = DryRun::new();
    let create = store.create_cluster(&bench.template, &new, &groups, asked("one", OperationKind::Create));
    let refused = run.clone().around(key().around(create)).await.unwrap_err();
    assert_eq!(refused, StoreError::DryRun);
    let asked_for = run.asked().unwrap();
    assert_eq!((asked_for.operation.kind, asked_for.record.nodes.len()), (OperationKind::Create, 3));
    assert_eq!((asked_for.record.cluster.name.as_str(), asked_for.template.uuid), ("new", bench.template.uuid));
    assert_eq!(store.known_key(&key()).await.unwrap(), None);

    let run = DryRun::new();
    let scale = store.request_scale(ClusterId::assumed(there.uuid), group, 1, &[], asked("one", OperationKind::Scale));
    assert_eq!(run.clone().around(scale).await.unwrap_err(), StoreError::DryRun);
    let wanted = |run: &DryRun| run.asked().unwrap().record.nodes.iter().filter(|node| node.wanted).count();
    assert_eq!(wanted(&run), 2);

    let run = DryRun::new();
    let authority = NewAuthority { name: "kubernetes", certificate: "new".into(), key: "key".to_owned().into() };
    let generation = store.authorities_generation(ClusterId::assumed(there.uuid)).await.unwrap();
    let authorities = [authority];
    let rotate =
        store.request_ca_rotation(ClusterId::assumed(there.uuid), &authorities, asked("one", OperationKind::RotateCa));
    assert_eq!(run.clone().around(rotate).await.unwrap_err(), StoreError::DryRun);
    assert!(run.asked().unwrap().secrets.generation > generation, "the new ones are seen");

    let run = DryRun::new();
    let retry = store.request_retry(ClusterId::assumed(failed.uuid), asked("one", OperationKind::Create));
    assert_eq!(run.clone().around(retry).await.unwrap_err(), StoreError::DryRun);
    assert!(run.asked().unwrap().operation.retry_of.is_some());

    for request in [OperationKind::Repair, OperationKind::Delete] {
        let run = DryRun::new();
        let outcome = match request {
            OperationKind::Repair => {
                run.clone().around(store.request_repair(ClusterId::assumed(there.uuid), asked("one", request))).await
            }
            _ => run.clone().around(store.request_delete(ClusterId::assumed(there.uuid), asked("one", request))).await,
        };
        assert_eq!(outcome.unwrap_err(), StoreError::DryRun);
        let asked_for = run.asked().unwrap();
        assert_eq!((asked_for.operation.kind, asked_for.operation.status), (request, OperationStatus::Queued));
    }

    let run = DryRun::new();
    let change = HealthChange { status: Some(jeroboam_model::Health::Unhealthy), reason: None };
    let said = run.clone().around(store.change_health(ClusterId::assumed(there.uuid), &change)).await;
    assert_eq!(said.map(drop).unwrap_err(), StoreError::DryRun);
    assert!(run.asked().is_none(), "it asks for no operation");

    assert_eq!(everything(&bench), before);
    assert!(events.try_recv().is_err(), "nobody is woken");
}

#[tokio::test]
async fn a_dry_run_is_refused_as_the_request_would_be() {
    let bench = Bench::new().await;
    let (cluster, _) = bench.create("one", "c").await;
    let repair = bench.store.request_repair(ClusterId::assumed(cluster.uuid), asked("one", OperationKind::Repair));
    let refused = DryRun::new().around(repair).await.unwrap_err();
    assert_eq!(refused, StoreError::NotAllowed { status: Status::CreateInProgress, request: Request::Repair });
}

#[tokio::test]
async fn what_is_as_it_was_planned_is_kept_and_nothing_else() {
    let bench = Bench::sqlite().await;
    let cluster = bench.created("one", "c").await;
    let group = workers(&bench.record(&cluster).await).uuid;
    let before = everything(&bench);
    let scale = |count| {
        let run = DryRun::unless(|asked| asked.is_some_and(|asked| asked.record.nodes.len() == 4));
        let request = bench.store.request_scale(
            ClusterId::assumed(cluster.uuid),
            group,
            count,
            &[],
            asked("one", OperationKind::Scale),
        );
        async move { (run.clone().around(request).await, run) }
    };
    let (refused, run) = scale(5).await;
    assert_eq!(refused.unwrap_err(), StoreError::DryRun);
    assert_eq!(run.asked().unwrap().record.nodes.len(), 6, "what it has become is told");
    assert_eq!(everything(&bench), before);
    let (kept, _) = scale(3).await;
    assert_eq!(kept.unwrap().kind, OperationKind::Scale);
    assert_eq!(bench.record(&cluster).await.nodes.len(), 4);
}

#[tokio::test]
async fn operations_that_go_on_before_it_are_told() {
    let bench = Bench::new().await;
    let cluster = bench.created("one", "c").await;
    let group = workers(&bench.record(&cluster).await).uuid;
    let scale = |count| {
        bench.store.request_scale(
            ClusterId::assumed(cluster.uuid),
            group,
            count,
            &[],
            asked("one", OperationKind::Scale),
        )
    };
    let first = scale(3).await.unwrap();
    let run = DryRun::new();
    assert_eq!(run.clone().around(scale(4)).await.unwrap_err(), StoreError::DryRun);
    assert_eq!(run.asked().unwrap().waits_for, [first.uuid]);
    let run = DryRun::new();
    let delete = bench.store.request_delete(ClusterId::assumed(cluster.uuid), asked("one", OperationKind::Delete));
    assert_eq!(run.clone().around(delete).await.unwrap_err(), StoreError::DryRun);
    assert_eq!(run.asked().unwrap().waits_for, Vec::<Uuid>::new(), "a delete ends them");
}
