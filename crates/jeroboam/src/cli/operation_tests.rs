use serde_json::{Value, json};

use super::super::fake::{refusal, start};
use super::super::table;
use super::*;

/// One of two clusters with the same name.
const ONE: &str = "11111111-0000-0000-0000-000000000000";
const OTHER: &str = "22222222-0000-0000-0000-000000000000";
/// The operation on the first cluster.
const WORK: &str = "33333333-0000-0000-0000-000000000000";

fn operation(status: &str) -> Value {
    json!({"uuid": WORK, "kind": "create", "status": status, "cluster_uuid": ONE, "cluster_name": "twin",
        "project_id": "p", "user_id": "u", "request_id": "r", "created_at": "2026-01-01T00:00:00Z",
        "started_at": null, "finished_at": null, "deadline_at": null})
}

fn cluster(uuid: &str) -> Value {
    json!({"uuid": uuid, "name": "twin", "status": "CREATE_IN_PROGRESS"})
}

fn ident(operation: &str) -> OperationIdent {
    OperationIdent { operation: operation.to_owned() }
}

#[tokio::test]
async fn a_name_of_several_clusters_is_refused_with_their_ids_and_nothing_is_done() {
    let ambiguous = "Multiple clusters are named twin. Give the uuid instead of the name.";
    let verbs: [fn(OperationIdent) -> OperationCommand; 4] =
        [OperationCommand::Show, OperationCommand::Watch, OperationCommand::Cancel, |ident| OperationCommand::Retry {
            ident,
            watch: WatchArgs { watch: false, no_wait: true },
        }];
    for verb in verbs {
        let (context, fake) = start([
            ("GET /v1/clusters/twin", refusal(409, ambiguous)),
            ("GET /v1/clusters/detail?limit=500", (200, json!({"clusters": [cluster(ONE), cluster(OTHER)]}))),
            ("GET /v1/operations?limit=100&cluster=twin", (200, json!({"operations": [operation("running")]}))),
        ])
        .await;
        let failure = verb(ident("twin")).run(&context).await.unwrap_err();
        let Failure::Other(error) = &failure else { panic!("{failure:?}") };
        let said = error.to_string();
        assert!(said.starts_with("2 clusters are named twin"), "{said}");
        assert!(said.contains(ONE) && said.contains(OTHER), "{said}");
        assert!(fake.asked().iter().all(|asked| asked.starts_with("GET ")), "{:?}", fake.asked());
    }
}

#[tokio::test]
async fn the_newest_operation_is_that_of_the_cluster_and_not_of_one_that_had_its_name() {
    let (context, fake) = start([
        ("GET /v1/clusters/twin", (200, cluster(ONE))),
        (
            "GET /v1/operations?limit=100&cluster=11111111-0000-0000-0000-000000000000",
            (200, json!({"operations": [operation("running")]})),
        ),
        ("GET /v1/operations/33333333-0000-0000-0000-000000000000", (200, operation("running"))),
        ("POST /v1/operations/33333333-0000-0000-0000-000000000000/actions/cancel", (202, operation("cancelled"))),
    ])
    .await;
    OperationCommand::Cancel(ident("twin")).run(&context).await.unwrap();
    assert!(fake.asked().iter().any(|asked| asked.starts_with("POST ")), "{:?}", fake.asked());
}

#[tokio::test]
async fn operations_of_a_cluster_that_is_gone_are_found_by_its_name_and_by_its_id() {
    for name in ["twin", ONE] {
        let (context, _) = start([
            ("GET /v1/operations?limit=100&cluster=twin", (200, json!({"operations": [operation("succeeded")]}))),
            (
                "GET /v1/operations?limit=100&cluster=11111111-0000-0000-0000-000000000000",
                (200, json!({"operations": [operation("succeeded")]})),
            ),
            ("GET /v1/operations/33333333-0000-0000-0000-000000000000", (200, operation("succeeded"))),
        ])
        .await;
        assert_eq!(ident(name).find(&context).await.unwrap().uuid.to_string(), WORK);
    }
    let (context, _) = start([("GET /v1/operations?limit=100&cluster=nope", (200, json!({"operations": []})))]).await;
    assert_eq!(ident("nope").find(&context).await.unwrap_err().code(), 3);
}

#[test]
fn a_list_fits_on_a_usual_terminal() {
    let one: Operation = serde_json::from_value(operation("succeeded")).unwrap();
    let text = table::list(&[one], Some(80));
    let lines: Vec<usize> = text.lines().map(console::measure_text_width).collect();
    assert!(lines.len() == 2 && lines.iter().all(|width| *width <= 80), "{text}");
}
