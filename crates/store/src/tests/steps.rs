use std::collections::BTreeSet;

use jeroboam_model::StepStatus;
use jeroboam_model::plan::{Action, NodeRef};

use super::*;
use crate::StoreError;

fn machine(name: &str) -> Action {
    Action::EnsureMachine(NodeRef { uuid: Uuid::nil(), name: name.to_owned() })
}

async fn statuses(bench: &Bench, uuid: Uuid) -> Vec<(String, StepStatus, u32)> {
    let steps = bench.operation(uuid).await.steps;
    steps.into_iter().map(|step| (step.key, step.status, step.attempts)).collect()
}

#[tokio::test]
async fn a_step_is_recorded_from_plan_to_end() {
    let bench = Bench::new().await;
    bench.create("one", "a").await;
    let Claim { operation, fence } = bench.claim().await;
    let uuid = operation.uuid;
    let store = &bench.store;
    store
        .record_plan(
            uuid,
            fence,
            &[step(2, machine("m")), step(1, Action::EnsureSecrets), step(1, Action::EnsureNetwork)],
        )
        .await
        .unwrap();
    let steps = bench.operation(uuid).await.steps;
    assert_eq!(steps.iter().map(|step| step.key.as_str()).collect::<Vec<_>>(), ["secrets", "network", "machine/m"]);
    assert_eq!(steps[2].title, "Start machine m");
    assert!(steps.iter().all(|step| step.status == StepStatus::Pending && step.started_at.is_none()));

    store.step_running(uuid, fence, "network").await.unwrap();
    store.step_progress(uuid, fence, "network", "asking the engine").await.unwrap();
    let network = bench.operation(uuid).await.steps.remove(1);
    assert_eq!((network.status, network.attempts), (StepStatus::Running, 1));
    assert_eq!(network.progress.as_deref(), Some("asking the engine"));
    let first_start = network.started_at.unwrap();

    store.step_blocked(uuid, fence, "network", &trouble()).await.unwrap();
    let network = bench.operation(uuid).await.steps.remove(1);
    assert_eq!((network.status, network.cause, network.progress), (StepStatus::Blocked, Some(trouble()), None));

    store.step_running(uuid, fence, "network").await.unwrap();
    store.step_done(uuid, fence, "network").await.unwrap();
    let network = bench.operation(uuid).await.steps.remove(1);
    assert_eq!((network.status, network.attempts, network.cause), (StepStatus::Done, 2, None));
    assert_eq!(network.started_at, Some(first_start));
    assert!(network.finished_at.unwrap() >= first_start);

    store.step_running(uuid, fence, "secrets").await.unwrap();
    store.step_failed(uuid, fence, "secrets", &trouble()).await.unwrap();
    assert_eq!(bench.operation(uuid).await.steps[0].cause, Some(trouble()));
    assert_eq!(store.done_steps(uuid).await.unwrap(), BTreeSet::from(["network".to_owned()]));

    let unplanned = store.step_running(uuid, fence, "nope").await;
    assert_eq!(unplanned, Err(StoreError::NotFound { what: "step", ident: "nope".to_owned() }));
}

#[tokio::test]
async fn planning_again_keeps_what_is_begun_reopens_what_is_undone_and_closes_what_is_not_needed() {
    let bench = Bench::new().await;
    bench.create("one", "a").await;
    let Claim { operation, fence } = bench.claim().await;
    let uuid = operation.uuid;
    let store = &bench.store;
    let all = ["done", "cut-off", "blocked", "untouched", "begun"].map(|name| step(2, machine(name)));
    store.record_plan(uuid, fence, &all).await.unwrap();
    for key in ["machine/done", "machine/cut-off", "machine/blocked", "machine/begun"] {
        store.step_running(uuid, fence, key).await.unwrap();
    }
    store.step_done(uuid, fence, "machine/done").await.unwrap();
    store.step_blocked(uuid, fence, "machine/blocked", &trouble()).await.unwrap();

    let again = ["begun", "done", "new"].map(|name| step(2, machine(name)));
    store.record_plan(uuid, fence, &again).await.unwrap();
    let expected = [
        ("machine/done", StepStatus::Pending, 1),
        ("machine/cut-off", StepStatus::Done, 1),
        ("machine/blocked", StepStatus::Done, 1),
        ("machine/untouched", StepStatus::Done, 0),
        ("machine/begun", StepStatus::Running, 1),
        ("machine/new", StepStatus::Pending, 0),
    ];
    let expected = expected.map(|(key, status, attempts)| (key.to_owned(), status, attempts));
    assert_eq!(statuses(&bench, uuid).await, expected);
    // The same plan again changes nothing.
    store.record_plan(uuid, fence, &again).await.unwrap();
    assert_eq!(statuses(&bench, uuid).await, expected);
}

#[tokio::test]
async fn when_an_operation_ends_its_steps_end() {
    let bench = Bench::new().await;
    let other = Cause::user(Code::TooManyNodes, "Another cause", "Ask.");
    for (outcome, expected) in [
        (Outcome::Failed(other.clone()), [StepStatus::Failed, StepStatus::Failed, StepStatus::Skipped]),
        (Outcome::Cancelled, [StepStatus::Skipped, StepStatus::Skipped, StepStatus::Skipped]),
        (
            Outcome::Succeeded { facts: ClusterFacts::default() },
            [StepStatus::Done, StepStatus::Done, StepStatus::Skipped],
        ),
    ] {
        bench.create("one", "a").await;
        let Claim { operation, fence } = bench.claim().await;
        let uuid = operation.uuid;
        let plan = ["running", "blocked", "pending"].map(|name| step(1, machine(name)));
        bench.store.record_plan(uuid, fence, &plan).await.unwrap();
        bench.store.step_running(uuid, fence, "machine/running").await.unwrap();
        bench.store.step_running(uuid, fence, "machine/blocked").await.unwrap();
        bench.store.step_blocked(uuid, fence, "machine/blocked", &trouble()).await.unwrap();
        bench.store.finish(uuid, fence, outcome.clone()).await.unwrap();

        let steps = bench.operation(uuid).await.steps;
        assert_eq!(steps.iter().map(|step| step.status).collect::<Vec<_>>(), expected, "{outcome:?}");
        assert!(steps.iter().all(|step| step.finished_at.is_some()));
        if matches!(outcome, Outcome::Failed(_)) {
            assert_eq!(steps[0].cause, Some(other.clone()), "what the operation ended for");
            assert_eq!(steps[1].cause, Some(trouble()), "its own");
        }
    }
}

#[tokio::test]
async fn what_was_not_planned_at_first_says_why_it_came() {
    let bench = Bench::new().await;
    bench.create("one", "a").await;
    let Claim { operation, fence } = bench.claim().await;
    let (uuid, store) = (operation.uuid, &bench.store);
    let planned = [step(1, Action::EnsureNetwork), step(2, machine("m"))];
    store.record_plan(uuid, fence, &planned).await.unwrap();
    store.record_plan(uuid, fence, &planned).await.unwrap();
    let added = || async {
        let steps = bench.operation(uuid).await.steps.into_iter();
        steps.filter_map(|step| Some((step.key, step.added_because?))).collect::<Vec<_>>()
    };
    assert_eq!(added().await, [], "it is what was planned, however often it is looked at");
    for key in ["network", "machine/m"] {
        store.step_running(uuid, fence, key).await.unwrap();
        store.step_done(uuid, fence, key).await.unwrap();
    }
    store.record_plan(uuid, fence, &[step(1, Action::RemoveStray("x".into())), step(2, machine("m"))]).await.unwrap();
    let because = |key: &str| (key.to_owned(), format!("{key} is missing"));
    assert_eq!(added().await, [because("remove-stray/x"), because("machine/m")], "one is new, one was done before");
    store.record_plan(uuid, fence, &[]).await.unwrap();
    assert_eq!(added().await.len(), 2, "it stays said");
}
