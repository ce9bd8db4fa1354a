use jeroboam_infra::{Infrastructure, Presence};
use jeroboam_types::v1::{Evidence, EvidenceKind};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Answer, Case};

async fn admin(case: &Case, method: &str, path: &str) -> Answer {
    case.call(method, path).token("admin").latest().send().await
}

async fn hold(case: &Case) {
    let found = Evidence {
        kind: EvidenceKind::Number,
        message: "The mark of a server has the number 1000.".into(),
        number: Some(1000),
        instance: None,
        url: None,
    };
    case.store.hold(&[found]).await.unwrap();
}

#[tokio::test]
async fn what_is_held_begins_nothing_and_says_what_to_do() {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    let uuid = case.complete_cluster("c", "t").await;
    let shown = admin(&case, "GET", "/v1/deployment").await.is(200).body;
    assert_eq!((&shown["hold"], &shown["instances"][0]["host"]), (&Value::Null, &json!("host")));
    hold(&case).await;

    let shown = admin(&case, "GET", "/v1/deployment").await.is(200).body;
    assert_eq!(shown["hold"]["evidence"][0]["kind"], "number");
    assert!(shown["hold"]["action"].as_str().unwrap().contains("deployment accept"), "{shown}");
    assert!(shown["hold"]["since"].as_str().unwrap().ends_with("+00:00"));
    let create = json!({"name": "new", "cluster_template_id": "t", "node_count": 1});
    let refused = [
        case.post("/v1/clusters", &create).send().await,
        case.post(&format!("/v1/clusters/{uuid}/actions/resize"), &json!({"node_count": 3})).send().await,
        case.delete(&format!("/v1/clusters/{uuid}")).send().await,
        admin(&case, "DELETE", &format!("/v1/orphans/{}", Uuid::new_v4())).await,
    ];
    for answer in refused {
        let error = answer.is(409).body["errors"][0].clone();
        let detail = error["detail"].as_str().unwrap();
        assert!(detail.contains("deployment accept"), "{error}");
        assert!(!detail.contains("1000"), "what was found is not for everybody: {error}");
    }
    case.get("/v1/clusters").send().await.is(200);
    assert_eq!(case.get("/v1/clusters/c").send().await.is(200).body["status"], "CREATE_COMPLETE");

    let accepted = admin(&case, "POST", "/v1/deployment/actions/accept").await.is(200).body;
    assert!(accepted["number"].as_i64().unwrap() > 1000 && accepted["hold"].is_null(), "{accepted}");
    admin(&case, "POST", "/v1/deployment/actions/accept").await.is(409);
    case.post("/v1/clusters", &create).send().await.is(202);
}

#[tokio::test]
async fn a_copy_gets_an_id_of_its_own() {
    let case = Case::new().await;
    let before = admin(&case, "GET", "/v1/deployment").await.body["id"].clone();
    admin(&case, "POST", "/v1/deployment/actions/new-id").await.is(409);
    hold(&case).await;
    let renamed = admin(&case, "POST", "/v1/deployment/actions/new-id").await.is(200).body;
    assert!(renamed["id"] != before && renamed["hold"].is_null(), "{renamed}");
}

#[tokio::test]
async fn orphans_are_listed_and_removed_on_request() {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    let known = case.cluster("c", "t").await;
    let orphan = Uuid::new_v4();
    case.infra.add_stray(known.parse().unwrap(), "vm-known");
    case.infra.add_stray(orphan, "vm-orphan");
    let orphans = admin(&case, "GET", "/v1/orphans").await.is(200).body["orphans"].clone();
    assert_eq!(orphans.as_array().unwrap().len(), 1, "{orphans}");
    assert_eq!(orphans[0]["uuid"], orphan.to_string());
    case.get("/v1/orphans").send().await.is(403);
    for ident in [known.as_str(), "nonsense"] {
        admin(&case, "DELETE", &format!("/v1/orphans/{ident}")).await.is(404);
    }
    admin(&case, "DELETE", &format!("/v1/orphans/{orphan}")).await.is(204);
    assert_eq!(admin(&case, "GET", "/v1/orphans").await.body["orphans"], json!([]));
    assert_eq!(case.infra.clusters().await.unwrap(), [known.parse::<Uuid>().unwrap()], "what is known is there still");
}

#[tokio::test]
async fn marks_of_servers_that_nobody_knows_are_known_once_they_are_accepted_as_dead() {
    let case = Case::new().await;
    let dead = Presence { instance: Uuid::new_v4(), number: 5000, host: "gone".into(), url: None };
    case.infra.be_present(&dead).await.unwrap();
    hold(&case).await;
    let accepted = admin(&case, "POST", "/v1/deployment/actions/accept").await.is(200).body;
    assert!(accepted["number"].as_i64().unwrap() > 5000, "{accepted}");
    assert!(accepted["instances"].as_array().unwrap().iter().any(|known| known["host"] == "gone"), "{accepted}");
}
