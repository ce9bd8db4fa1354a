use serde_json::{Value, json};
use uuid::Uuid;

use super::{Call, Case};

/// A request as sent by the client of 2015.
fn call<'a>(case: &'a Case, method: &str, path: &str) -> Call<'a> {
    case.call(method, path).token("member").header("x-openstack-magnum-api-version", "1.1")
}

async fn make(case: &Case, body: Value) -> Value {
    call(case, "POST", "/v1/nodes").json(&body).send().await.is(201).body
}

// Covers: W072.
#[tokio::test]
async fn nodes_are_made_listed_and_shown() {
    let case = Case::new().await;
    let answer = call(&case, "POST", "/v1/nodes/").json(&json!({"type": "virt", "image_id": "X"})).send().await.is(201);
    let node = answer.body.clone();
    let uuid = node["uuid"].as_str().unwrap();
    assert_eq!(answer.headers["location"], format!("http://api.example:9511/v1/nodes/{uuid}"));
    assert_eq!(
        (&node["type"], &node["image_id"], &node["ironic_node_id"]),
        (&json!("virt"), &json!("X"), &Value::Null)
    );
    assert!(node["created_at"].as_str().unwrap().ends_with("+00:00") && node["updated_at"].is_null());
    assert_eq!(node["links"][1]["href"], format!("http://api.example:9511/nodes/{uuid}"));
    assert_eq!(call(&case, "GET", &format!("/v1/nodes/{uuid}")).send().await.is(200).body, node);

    let bare = make(&case, json!({})).await;
    let short = call(&case, "GET", "/v1/nodes").send().await.is(200).body["nodes"].clone();
    assert_eq!(short.as_array().unwrap().len(), 2);
    assert!(short[0].get("created_at").is_none() && short[0].get("updated_at").is_none());
    assert_eq!((&short[0]["type"], &short[1]["uuid"]), (&json!("virt"), &bare["uuid"]));
    let detail = call(&case, "GET", "/v1/nodes/detail").send().await.is(200).body["nodes"].clone();
    assert_eq!(detail, json!([node, bare]));
    let page = call(&case, "GET", "/v1/nodes?limit=1&sort_key=type&sort_dir=desc").send().await.is(200).body;
    assert!(page["next"].as_str().unwrap().contains("marker="));

    let chosen = Uuid::new_v4().to_string();
    assert_eq!(make(&case, json!({"uuid": chosen})).await["uuid"], chosen);
    call(&case, "POST", "/v1/nodes").json(&json!({"uuid": chosen})).send().await.is(409);
    for (body, field) in [
        (json!({"type": "x".repeat(21)}), "type"),
        (json!({"type": ""}), "type"),
        (json!({"uuid": "x"}), "uuid"),
        (json!({"created_at": null}), "created_at"),
        (json!({"name": "x"}), "name"),
    ] {
        assert_eq!(call(&case, "POST", "/v1/nodes").json(&body).send().await.is(400).field(), field, "{body}");
    }
}

// Covers: W073.
#[tokio::test]
async fn a_machine_is_in_one_node_and_a_node_has_one_machine() {
    let case = Case::new().await;
    let first = make(&case, json!({"ironic_node_id": "i1"})).await["uuid"].as_str().unwrap().to_owned();
    let second = make(&case, json!({"type": "bare"})).await["uuid"].as_str().unwrap().to_owned();
    let patch = async |uuid: &str, op: &str, name: &str, value: &str| {
        let body = json!([{"op": op, "path": format!("/{name}"), "value": value}]);
        call(&case, "PATCH", &format!("/v1/nodes/{uuid}")).json(&body).send().await
    };
    call(&case, "POST", "/v1/nodes").json(&json!({"ironic_node_id": "i1"})).send().await.is(409);
    patch(&second, "add", "ironic_node_id", "i1").await.is(409);
    for op in ["add", "replace"] {
        let refused = patch(&first, op, "ironic_node_id", "i2").await.is(409);
        assert_eq!(refused.field(), "ironic_node_id");
    }
    let changed = patch(&second, "add", "ironic_node_id", "i2").await.is(200).body;
    assert_eq!((&changed["ironic_node_id"], &changed["type"]), (&json!("i2"), &json!("bare")));
    assert!(changed["updated_at"].is_string());
    patch(&first, "remove", "ironic_node_id", "").await.is(200);
    patch(&first, "replace", "ironic_node_id", "i3").await.is(200);
    assert_eq!(patch(&first, "replace", "image_id", "Y").await.is(200).body["image_id"], "Y");
    for (op, name, value) in
        [("replace", "uuid", "x"), ("replace", "nope", "x"), ("replace", "type", ""), ("test", "type", "x")]
    {
        patch(&first, op, name, value).await.is(400);
    }
}

// Covers: W074, W075.
#[tokio::test]
async fn nodes_have_no_names_and_go() {
    let case = Case::new().await;
    let uuid = make(&case, json!({})).await["uuid"].as_str().unwrap().to_owned();
    for method in ["GET", "PATCH", "DELETE"] {
        let refused = call(&case, method, "/v1/nodes/name").json(&json!([])).send().await.is(400);
        assert_eq!(refused.field(), "uuid", "{method}");
        let path = format!("/v1/nodes/{}", Uuid::new_v4());
        call(&case, method, &path).json(&json!([])).send().await.is(404);
    }
    let path = format!("/v1/nodes/{uuid}");
    case.call("GET", &path).token("other").send().await.is(404);
    case.call("DELETE", &path).token("reader").send().await.is(403);
    case.call("GET", &path).token("nobody").send().await.is(403);
    call(&case, "DELETE", &path).send().await.is(204);
    call(&case, "GET", &path).send().await.is(404);
    call(&case, "DELETE", &path).send().await.is(404);
    // Later microversions never had them.
    case.get("/v1/nodes").send().await.is(404);
    case.call("GET", "/v1/nodes").token("member").version(10).send().await.is(200);
}
