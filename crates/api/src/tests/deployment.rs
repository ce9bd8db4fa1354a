use futures::StreamExt;
use jeroboam_infra::{ClusterRef, Infrastructure, MachineSpec, Presence, Progress};
use jeroboam_model::NodeRole;
use jeroboam_store::Scope;
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
async fn an_orphan_is_taken_over_with_its_nodes() {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    let orphan = Uuid::new_v4();
    let path = format!("/v1/orphans/{orphan}/actions/adopt");
    let adopt = |body: Value| case.call("POST", &path).token("admin").latest().json(&body).send();
    let of = json!({"cluster_template_id": "t"});
    adopt(of.clone()).await.is(404);
    case.infra.add_machine(orphan, Uuid::new_v4(), 0);
    let refused = adopt(of.clone()).await.is(409).body["errors"][0].clone();
    assert!(refused["detail"].as_str().unwrap().contains("orphan delete"), "{refused}");

    let cluster =
        ClusterRef { uuid: orphan, name: "c".into(), project_id: "p".into(), engine: "kubernetes".into(), number: 0 };
    let node = |role: NodeRole, slot: u32| MachineSpec {
        node: Uuid::from_u128(slot.into()),
        name: format!("c-{role}-0"),
        role,
        slot,
        image: "debian-13".into(),
        flavor: None,
        bootstrap: String::new(),
    };
    let nodes = [node(NodeRole::Master, 3), node(NodeRole::Worker, 8)];
    let made: Vec<_> = case.infra.ensure_machines(&cluster, &nodes, Progress::ignored()).collect().await;
    assert!(made.iter().all(|(_, made)| made.is_ok()));
    adopt(json!({"cluster_template_id": "nonsense"})).await.is(404);
    case.template("of-swarms", "swarm").await;
    let refused = adopt(json!({"cluster_template_id": "of-swarms"})).await.is(400).body["errors"][0].clone();
    assert!(refused["detail"].as_str().unwrap().contains("one of kubernetes"), "{refused}");
    case.post(&path, &of).send().await.is(403);
    assert_eq!(case.infra.found_nodes(orphan).await.unwrap().len(), 3, "nothing was done yet");

    let mut body = of.clone();
    body["name"] = json!("again");
    assert_eq!(adopt(body).await.is(202).body["uuid"], orphan.to_string());
    let record = case.store.cluster_by_uuid(&Scope::All, orphan).await.unwrap();
    assert_eq!((record.cluster.name.as_str(), record.nodes.len()), ("again", 3));
    let master = record.nodes.iter().find(|node| node.role == NodeRole::Master).unwrap();
    assert_eq!((master.uuid, master.slot, master.joined_at.is_some()), (Uuid::from_u128(3), 3, true));
    let sizes: Vec<_> = record.groups.iter().map(|group| (group.role, group.node_count)).collect();
    assert_eq!(sizes, [(NodeRole::Master, 1), (NodeRole::Worker, 2)]);
    assert!(case.infra.found_nodes(orphan).await.unwrap().is_empty(), "machines begin anew");
    adopt(of).await.is(404);
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
