use axum::body::Body;
use futures::StreamExt;
use jeroboam_model::{Cause, CauseExt, Code, OperationKind, Status};
use jeroboam_store::notification::Deed;
use jeroboam_store::{ClusterFacts, Outcome};
use serde_json::{Value, json};

use super::Case;

/// Reads the next event that is not a comment.
async fn next_event(
    stream: &mut (impl futures::Stream<Item = Result<axum::body::Bytes, axum::Error>> + Unpin),
) -> Option<Value> {
    loop {
        let bytes = stream.next().await?.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        if let Some(data) = text.lines().find_map(|line| line.strip_prefix("data: ")) {
            assert!(text.contains("event: operation"), "{text}");
            return Some(serde_json::from_str(data).unwrap());
        }
    }
}

async fn follow(
    case: &Case,
    operation: impl std::fmt::Display,
) -> impl futures::Stream<Item = Result<axum::body::Bytes, axum::Error>> {
    let response =
        case.get(&format!("/v1/operations/{operation}/events")).header("accept", "text/event-stream").response().await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    Body::into_data_stream(response.into_body())
}

#[tokio::test]
async fn an_operation_is_followed_from_now_to_its_end() {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    let body = json!({"name": "c", "cluster_template_id": "t"});
    let operation = case.post("/v1/clusters", &body).send().await.is(202).operation();
    let mut events = follow(&case, operation).await;
    assert_eq!(next_event(&mut events).await.unwrap()["status"], "queued");
    let claim = case.claim().await;
    assert_eq!(next_event(&mut events).await.unwrap()["status"], "running");
    // Events of other operations do not count.
    case.cluster("d", "t").await;
    let blocked = Cause::passing(Code::InfrastructureUnavailable, "Docker is away", "start it");
    case.store.held(&claim).block(&blocked).await.unwrap();
    let event = next_event(&mut events).await.unwrap();
    assert_eq!(
        (event["status"].as_str(), event["cause"]["code"].as_str()),
        (Some("blocked"), Some("infrastructure_unavailable"))
    );
    case.store.held(&claim).finish(Outcome::Succeeded { facts: ClusterFacts::default() }).await.unwrap();
    assert_eq!(next_event(&mut events).await.unwrap()["status"], "succeeded");
    assert!(next_event(&mut events).await.is_none(), "the stream ends");

    let mut again = follow(&case, operation).await;
    assert_eq!(next_event(&mut again).await.unwrap()["status"], "succeeded");
    assert!(next_event(&mut again).await.is_none());
}

#[tokio::test]
async fn operations_are_listed_newest_first_and_cancelled() {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    let uuid = case.cluster("a", "t").await;
    case.cluster("b", "t").await;
    let list = case.get("/v1/operations").send().await.is(200).body;
    let names: Vec<&str> =
        list["operations"].as_array().unwrap().iter().map(|o| o["cluster_name"].as_str().unwrap()).collect();
    assert_eq!(names, ["b", "a"]);
    let of_one = case.get(&format!("/v1/operations?cluster={uuid}&limit=1")).send().await.is(200).body;
    assert_eq!(of_one["operations"].as_array().unwrap().len(), 1);
    assert!(of_one["next"].as_str().unwrap().contains(&format!("cluster={uuid}")), "filters are kept");
    let operation = of_one["operations"][0]["uuid"].as_str().unwrap().to_owned();
    let path = format!("/v1/operations/{operation}/actions/cancel");
    let answer = case.call("POST", &path).token("member").send().await.is(202);
    assert_eq!(answer.body["status"], "cancelled");
    assert_eq!(case.status(&uuid).await, Status::CreateFailed);
    for path in ["/v1/operations/x", "/v1/operations/00000000-0000-0000-0000-000000000000"] {
        case.get(path).send().await.is(404);
    }
}

#[tokio::test]
async fn an_admins_operation_belongs_to_the_clusters_project() {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    case.cluster("c", "t").await;
    let deletion = case.call("DELETE", "/v1/clusters/c").token("admin").send().await.is(204).operation();
    let operation = case.get(&format!("/v1/operations/{deletion}")).send().await.is(200).body;
    assert_eq!((operation["project_id"].as_str(), operation["user_id"].as_str()), (Some("p"), Some("admin")));
}

// Covers: R347.
#[tokio::test]
async fn what_a_user_cancelled_says_so_wherever_it_failed() {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    let cancel = async |operation: &str| {
        let claim = case.claim().await;
        let path = format!("/v1/operations/{operation}/actions/cancel");
        case.call("POST", &path).token("member").send().await.is(202);
        case.store.held(&claim).finish(Outcome::Cancelled).await.unwrap();
        let ended = case.get(&format!("/v1/operations/{operation}")).send().await.is(200).body;
        assert_eq!((&ended["status"], &ended["cause"]["code"]), (&json!("cancelled"), &json!("cancelled")));
        assert_eq!(ended["cause"]["action"], "Retry it, or delete the cluster.");
    };
    let shown = async |status: &str, groups: &[&str]| {
        let cluster = case.get("/v1/clusters/c").send().await.is(200).body;
        assert_eq!(cluster["status"], status);
        let reason = cluster["status_reason"].as_str().unwrap();
        assert!(reason.contains("cancelled by a user"), "{reason}");
        let faults: Vec<_> = cluster["faults"].as_object().unwrap().iter().collect();
        assert!(faults.iter().all(|(_, fault)| fault.as_str() == Some(reason)), "{faults:?}");
        let named: Vec<&str> = faults.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(named, groups);
    };
    let body = json!({"name": "c", "cluster_template_id": "t"});
    let creation = case.post("/v1/clusters", &body).send().await.is(202).operation();
    cancel(&creation.to_string()).await;
    shown("CREATE_FAILED", &["default-master", "default-worker"]).await;
    case.call("POST", "/v1/clusters/c/actions/retry").token("member").send().await.is(202);
    case.succeed_all().await;
    let resize = case.post("/v1/clusters/c/actions/resize", &json!({"node_count": 3})).send().await.is(202).operation();
    cancel(&resize.to_string()).await;
    shown("UPDATE_FAILED", &["default-worker"]).await;
}

#[tokio::test]
async fn an_update_that_the_status_refuses_is_told_to_the_world() {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    case.living_cluster("c", "t").await;
    let show = async || case.get("/v1/clusters/c").send().await.is(200).body;
    let count = async |value: i32| {
        let patch = json!([{"op": "replace", "path": "/node_count", "value": value}]);
        case.patch("/v1/clusters/c", &patch).send().await
    };
    let act =
        async |action: &str, body: Value| case.post(&format!("/v1/clusters/c/actions/{action}"), &body).send().await;
    count(3).await.is(202);
    case.end(Outcome::Failed(Cause::user(Code::StepUndone, "it broke", "mend it"))).await;
    case.store.want_notifications(true).await.unwrap();
    let told = async || {
        let waiting = case.store.waiting_notifications(9).await.unwrap();
        if let Some((number, _)) = waiting.last() {
            case.store.delivered(*number).await.unwrap();
        }
        waiting.into_iter().map(|(_, told)| (told.deed, told.stage.to_string(), told.user_id)).collect::<Vec<_>>()
    };
    let failure = |kind| (Deed::Operation(kind), "failure".to_owned(), "member".to_owned());
    let before = show().await;
    count(4).await.is(400);
    assert_eq!(told().await, [failure(OperationKind::Scale)]);
    act("upgrade", json!({"cluster_template": "t"})).await.is(400);
    assert_eq!(told().await, [failure(OperationKind::Upgrade)]);
    // Invalid input is not a refusal by the status.
    count(-1).await.is(400);
    act("resize", json!({"node_count": 1000})).await.is(400);
    assert!(told().await.is_empty());
    assert_eq!(show().await, before);

    case.delete("/v1/clusters/c").send().await.is(204);
    told().await;
    act("resize", json!({"node_count": 1})).await.is(400);
    assert_eq!(told().await, [failure(OperationKind::Scale)]);
}
