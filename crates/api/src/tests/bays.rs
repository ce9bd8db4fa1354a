//! Bays: clusters by the names of 2015.

use serde_json::{Value, json};

use super::{Answer, Case};

const BAYS: &str = "/v1/bays";

async fn case() -> Case {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    case
}

async fn send(case: &Case, version: u16, method: &str, path: &str, body: Option<Value>) -> Answer {
    let call = case.call(method, path).token("member").version(version);
    let call = if let Some(body) = body { call.json(&body) } else { call };
    call.send().await
}

fn count(count: u32) -> Option<Value> {
    Some(json!([{"op": "replace", "path": "/node_count", "value": count}]))
}

// Covers: R060, R061, R062, R063, R064, R065, R066, R067, R068, R342, W025, W044.
#[tokio::test]
async fn bays_live_in_every_microversion_that_has_them() {
    let case = case().await;
    for version in 1..=10 {
        let name = format!("b{version}");
        let path = format!("{BAYS}/{name}");
        let body = json!({"name": name, "baymodel_id": "t", "node_count": 1});
        let made = send(&case, version, "POST", BAYS, Some(body)).await.is(if version == 1 { 201 } else { 202 });
        let shown = send(&case, version, "GET", &path, None).await.is(200).body;
        if version == 1 {
            assert_eq!(made.body, shown);
            assert_eq!(made.body["status"], "CREATE_IN_PROGRESS");
            assert_eq!(made.headers["location"], format!("http://api.example:9511{BAYS}/{}", made.uuid()).as_str());
        } else {
            assert_eq!(made.body, json!({"uuid": shown["uuid"]}));
            assert!(!made.headers.contains_key("location"));
        }
        let by_id = format!("{BAYS}/{}", made.uuid());
        assert_eq!(send(&case, version, "GET", &by_id, None).await.is(200).body, shown);
        for list in [BAYS.to_owned(), format!("{BAYS}/detail")] {
            let list = send(&case, version, "GET", &list, None).await.is(200).body;
            assert_eq!(list["bays"][0]["name"], name.as_str());
        }
        case.succeed_all().await;
        let rollback = if version >= 3 { "?rollback=True" } else { "" };
        let patched = send(&case, version, "PATCH", &format!("{path}{rollback}"), count(2)).await;
        let patched = patched.is(if version == 1 { 200 } else { 202 });
        if version == 1 {
            assert_eq!((&patched.body["node_count"], &patched.body["name"]), (&json!(2), &json!(name)));
        } else {
            assert_eq!(patched.body, json!({"uuid": shown["uuid"]}));
        }
        assert_eq!(send(&case, version, "GET", &path, None).await.body["node_count"], 2);
        let gone = send(&case, version, "DELETE", &path, None).await.is(204);
        assert!(gone.body.as_str().is_some_and(str::is_empty));
        case.succeed_all().await;
        send(&case, version, "GET", &path, None).await.is(404);
    }
    // A uuid in the request is accepted without effect for clusters and bays; for baymodels it is kept.
    let uuid = uuid::Uuid::new_v4().to_string();
    let model = json!({"uuid": uuid, "coe": "kubernetes", "image_id": "debian-13", "keypair_id": "k"});
    assert_eq!(send(&case, 1, "POST", "/v1/baymodels", Some(model.clone())).await.is(201).uuid(), uuid);
    send(&case, 1, "POST", "/v1/baymodels", Some(model)).await.is(409);
}

// Covers: R338, R344.
#[tokio::test]
async fn a_bay_is_a_cluster_by_another_name() {
    let case = case().await;
    let bay = json!({"name": "bay", "baymodel_id": "t", "bay_create_timeout": 5});
    let bay = send(&case, 1, "POST", BAYS, Some(bay)).await.is(201);
    let cluster = send(&case, 10, "GET", &format!("/v1/clusters/{}", bay.uuid()), None).await.is(200).body;
    assert_eq!((&cluster["name"], &cluster["create_timeout"]), (&json!("bay"), &json!(5)));
    assert_eq!(cluster["cluster_template_id"], bay.body["baymodel_id"]);
    let other = case.cluster("cluster", "t").await;
    let seen = send(&case, 10, "GET", &format!("{BAYS}/{other}"), None).await.is(200).body;
    assert_eq!((&seen["name"], &seen["node_count"]), (&json!("cluster"), &json!(2)));
    for (path, collection) in [(format!("{BAYS}/bay"), "bays"), ("/v1/baymodels/t".to_owned(), "baymodels")] {
        let thing = send(&case, 10, "GET", &path, None).await.is(200).body;
        let uuid = thing["uuid"].as_str().unwrap();
        assert_eq!(
            thing["links"],
            json!([
                {"rel": "self", "href": format!("http://api.example:9511/v1/{collection}/{uuid}")},
                {"rel": "bookmark", "href": format!("http://api.example:9511/{collection}/{uuid}")},
            ])
        );
    }
}

// Covers: R339, R340, R341, W045, W046.
#[tokio::test]
async fn what_a_bay_cannot_be_is_refused_by_name() {
    let case = case().await;
    for version in [1, 10] {
        for (field, value) in [
            ("baymodel_id", json!("nope")),
            ("baymodel_id", Value::Null),
            ("keypair", json!("k")),
            ("cluster_template_id", json!("t")),
            ("merge_labels", json!(true)),
            ("create_timeout", json!(5)),
            ("node_count", json!(0)),
            ("node_count", json!("0")),
            ("node_count", json!(-1)),
            ("bay_create_timeout", json!(-1)),
            ("name", json!("")),
            ("name", json!("1a")),
            ("master_count", json!(0)),
        ] {
            let mut body = json!({"name": "b", "baymodel_id": "t"});
            body[field] = value.clone();
            let answer = send(&case, version, "POST", BAYS, Some(body)).await.is(400);
            assert_eq!(answer.field(), field, "{value}");
        }
    }
    assert_eq!(send(&case, 1, "GET", BAYS, None).await.body, json!({"bays": []}));
}

// Covers: W047, W053, W054.
#[tokio::test]
async fn a_bay_has_one_node_unless_more_are_wanted() {
    let case = case().await;
    for (name, node_count) in [("absent", None), ("null", Some(Value::Null))] {
        let mut body = json!({"name": name, "baymodel_id": "t"});
        if let Some(node_count) = node_count {
            body["node_count"] = node_count;
        }
        assert_eq!(send(&case, 1, "POST", BAYS, Some(body)).await.is(201).body["node_count"], 1, "{name}");
    }
    case.succeed_all().await;
    let path = "/v1/bays/null";
    send(&case, 10, "PATCH", path, count(3)).await.is(202);
    case.succeed_all().await;
    let removed = send(&case, 1, "PATCH", path, Some(json!([{"op": "remove", "path": "/node_count"}]))).await.is(200);
    assert_eq!(removed.body["node_count"], 1);
    case.succeed_all().await;
    for change in [
        json!({"op": "replace", "path": "/name", "value": "x"}),
        json!({"op": "replace", "path": "/baymodel_id", "value": "x"}),
        json!({"op": "remove", "path": "/baymodel_id"}),
        json!({"op": "replace", "path": "/labels", "value": "{'etcd_tag': '1'}"}),
        json!({"op": "replace", "path": "/node_count", "value": 0}),
        json!({"op": "replace", "path": "/trust_id", "value": "x"}),
    ] {
        send(&case, 10, "PATCH", path, Some(json!([change]))).await.is(400);
    }
}

// Covers: W055, W058.
#[tokio::test]
async fn a_bay_that_is_busy_is_not_changed_and_one_that_goes_is_seen_going() {
    let case = case().await;
    let body = json!({"name": "b", "baymodel_id": "t"});
    send(&case, 1, "POST", BAYS, Some(body)).await.is(201);
    send(&case, 1, "PATCH", "/v1/bays/b", count(3)).await.is(400);
    case.succeed_all().await;
    for _ in 0..2 {
        send(&case, 1, "DELETE", "/v1/bays/b", None).await.is(204);
        let bay = send(&case, 1, "GET", "/v1/bays/b", None).await.is(200).body;
        assert_eq!(bay["status"], "DELETE_IN_PROGRESS");
    }
    case.succeed_all().await;
    send(&case, 1, "GET", "/v1/bays/b", None).await.is(404);
    send(&case, 1, "DELETE", "/v1/bays/b", None).await.is(404);
}
