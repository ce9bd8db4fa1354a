use serde_json::{Value, json};

use super::*;
use crate::cli::fake::{refusal, start};

fn plan(more: Value) -> Value {
    let mut plan = json!({
        "id": "AAAA", "made_at": "2026-11-29T12:00:00Z", "kind": "scale", "cluster_name": "demo",
        "cluster_uuid": "11111111-2222-3333-4444-555555555555",
        "steps": [
            {"key": "engine", "title": "Configure the engine", "stage": 4,
             "because": "every change of a cluster does this"},
            {"key": "drain/demo-worker-1", "title": "Drain node demo-worker-1", "stage": 6,
             "because": "demo-worker-1 is to be removed",
             "disturbs": [{"kind": "workloads_move", "message": "workloads on demo-worker-1 move to other nodes"}]}
        ]
    });
    if let (Value::Object(plan), Value::Object(more)) = (&mut plan, more) {
        plan.extend(more);
    }
    plan
}

fn told(more: Value) -> String {
    let plan: Plan = serde_json::from_value(plan(more)).unwrap();
    anstream::adapter::strip_str(&text(&plan)).to_string()
}

fn args(plan: bool, out: Option<&Path>, apply: Option<&Path>) -> PlanArgs {
    PlanArgs { plan, out: out.map(Path::to_owned), apply: apply.map(Path::to_owned) }
}

#[test]
fn steps_are_told_stage_by_stage_with_what_they_disturb() {
    let cause = json!({
        "code": "state_lost", "who_must_act": "operator", "message": "the disk of demo-master-0 is gone",
        "action": "bring it back", "retryable": false
    });
    insta::assert_snapshot!(told(json!({
        "disturbs_at_once": [{"kind": "credentials_void", "message": "all certificates are void"}],
        "waits_for": ["99999999-2222-3333-4444-555555555555"],
        "obstacle": cause
    })));
}

#[test]
fn that_nothing_would_be_done_is_told() {
    assert_eq!(told(json!({"steps": []})), "plan of scale of demo: nothing to do");
    assert!(told(json!({"kind": null, "steps": []})).starts_with("no operation would start"));
    let under_way = told(json!({"under_way": "99999999-2222-3333-4444-555555555555", "steps": []}));
    assert!(under_way.starts_with("operation 99999999-2222-3333-4444-555555555555 does this already"));
}

#[tokio::test]
async fn a_plan_is_kept_and_only_it_is_carried_out() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("demo.plan");
    let (context, fake) = start([
        ("DELETE /v1/clusters/demo?dry_run=true", (200, plan(json!({})))),
        ("DELETE /v1/clusters/demo", refusal(412, "The plan is no longer valid.")),
    ])
    .await;
    let change = Change::DeleteCluster("demo");
    assert!(args(true, Some(&file), None).ask(&context, change).await.unwrap().is_none());
    assert_eq!(read(&file).unwrap().id, "AAAA");
    let refused = args(false, None, Some(&file)).ask(&context, change).await.unwrap_err();
    assert!(format!("{refused:?}").contains("is no longer valid"), "{refused:?}");
    assert_eq!(fake.asked(), ["DELETE /v1/clusters/demo?dry_run=true", "DELETE /v1/clusters/demo"]);
    assert_eq!(fake.header("x-jeroboam-plan"), [None, Some("AAAA".to_owned())]);
}

#[tokio::test]
async fn what_is_no_plan_is_not_carried_out() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("no.plan");
    let (context, fake) = start([]).await;
    std::fs::write(&file, "{}").unwrap();
    for path in [file.as_path(), Path::new("/nowhere/at-all")] {
        let refused = args(false, None, Some(path)).ask(&context, Change::DeleteCluster("demo")).await.unwrap_err();
        assert!(format!("{refused:?}").contains("--plan --out"), "{refused:?}");
    }
    assert_eq!(fake.asked(), [""; 0]);
    assert!(args(false, None, Some(&file)).check_one(2).is_err() && args(true, None, None).check_one(2).is_ok());
}
