use serde_json::{Value, json};

use super::Case;

async fn case() -> (Case, String, String) {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    let (host, member) = (case.cluster("host", "t").await, case.cluster("member", "t").await);
    (case, host, member)
}

async fn make(case: &Case, name: &str) -> String {
    let body = json!({"name": name, "hostcluster_id": "host", "properties": {"dns-zone": "example.org"}});
    let answer = case.post("/v1/federations", &body).send().await.is(202);
    assert_eq!(answer.body.as_object().unwrap().len(), 1, "only the uuid");
    answer.uuid()
}

// Covers: R056, R057, R059.
#[tokio::test]
async fn without_federations_lists_are_empty_and_nothing_is_found() {
    let case = Case::new().await;
    for minor in 1..=14 {
        for path in ["/v1/federations", "/v1/federations/detail"] {
            let answer = case.call("GET", path).token("reader").version(minor).send().await.is(200);
            assert_eq!(answer.body, json!({"federations": []}));
        }
        for method in ["GET", "PATCH", "DELETE"] {
            let call = case.call(method, "/v1/federations/nope").token("member").version(minor);
            call.json(&json!([])).send().await.is(404);
        }
    }
}

// Covers: R058.
#[tokio::test]
async fn a_federation_is_written_down_and_says_that_it_is_no_more() {
    let (case, host, _) = case().await;
    let uuid = make(&case, "f").await;
    let detail = case.get("/v1/federations/detail").send().await.is(200).body["federations"][0].clone();
    for ident in [uuid.as_str(), "f"] {
        assert_eq!(case.get(&format!("/v1/federations/{ident}")).send().await.is(200).body, detail);
    }
    assert_eq!(
        (&detail["uuid"], &detail["name"], &detail["hostcluster_id"]),
        (&json!(uuid), &json!("f"), &json!(host))
    );
    assert_eq!((&detail["member_ids"], &detail["properties"]), (&json!([]), &json!({"dns-zone": "example.org"})));
    assert_eq!(detail["status"], "CREATE_COMPLETE");
    assert!(detail["status_reason"].as_str().unwrap().starts_with("Recorded only."));
    assert!(detail["created_at"].as_str().unwrap().ends_with("+00:00") && detail["updated_at"].is_null());
    let short = case.get("/v1/federations").send().await.is(200).body["federations"][0].clone();
    let keys: Vec<_> = short.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = ["uuid", "name", "hostcluster_id", "member_ids", "status", "properties", "links"];
    expected.sort_unstable();
    let mut found = keys.clone();
    found.sort_unstable();
    assert_eq!(found, expected);
    assert_eq!(short["links"][0]["href"], format!("http://api.example:9511/v1/federations/{uuid}"));

    make(&case, "f").await;
    case.get("/v1/federations/f").send().await.is(409);
    let page = case.get("/v1/federations?limit=1").send().await.is(200).body;
    assert!(page["next"].as_str().unwrap().ends_with(&format!("limit=1&marker={uuid}")));
    assert_eq!(case.get("/v1/federations?sort_key=nope").send().await.is(400).field(), "sort_key");
    case.delete(&format!("/v1/federations/{uuid}")).send().await.is(204);
    case.get(&format!("/v1/federations/{uuid}")).send().await.is(404);
    case.get("/v1/clusters/host").send().await.is(200);
}

// Covers: R325.
#[tokio::test]
async fn what_is_wrong_with_a_federation_is_refused() {
    let (case, ..) = case().await;
    let zone = json!({"dns-zone": "example.org"});
    for (body, status, field) in [
        (json!({"properties": zone}), 400, "hostcluster_id"),
        (json!({"hostcluster_id": "nope", "properties": zone}), 404, "hostcluster_id"),
        (json!({"hostcluster_id": "host"}), 400, "properties"),
        (json!({"hostcluster_id": "host", "properties": {"a": "b"}}), 400, "properties"),
        (json!({"hostcluster_id": "host", "properties": "x"}), 400, "properties"),
        (json!({"hostcluster_id": "host", "properties": {"dns-zone": "x".repeat(256)}}), 400, "properties.dns-zone"),
        (json!({"hostcluster_id": "host", "properties": zone, "member_ids": [1]}), 400, "member_ids"),
        (json!({"hostcluster_id": "host", "properties": zone, "name": "1"}), 400, "name"),
        (json!({"hostcluster_id": "host", "properties": zone, "member_ids": ["nope"]}), 404, "member_ids"),
        (json!({"hostcluster_id": "host", "properties": zone, "member_ids": ["member", "member"]}), 400, "member_ids"),
        (json!({"hostcluster_id": "host", "properties": zone, "links": []}), 400, "links"),
        (json!({"hostcluster_id": "host", "properties": zone, "nope": 1}), 400, "nope"),
    ] {
        assert_eq!(case.post("/v1/federations", &body).send().await.is(status).field(), field, "{body}");
    }
    assert_eq!(case.get("/v1/federations").send().await.body, json!({"federations": []}));
    // Another project's cluster does not exist for the caller.
    let body = json!({"hostcluster_id": "host", "properties": zone});
    case.call("POST", "/v1/federations").token("other").latest().json(&body).send().await.is(404);
    let unnamed = case.post("/v1/federations", &body).send().await.is(202).uuid();
    let shown = case.get(&format!("/v1/federations/{unnamed}")).send().await.body;
    assert!(shown["name"].as_str().unwrap().ends_with("-federation"));
}

#[tokio::test]
async fn clusters_join_and_leave_and_properties_change() {
    let (case, _, member) = case().await;
    let uuid = make(&case, "f").await;
    let patch = async |operations: Value| case.patch("/v1/federations/f", &operations).send().await;
    let shown = async || case.get("/v1/federations/f").send().await.is(200).body;
    let on = |op: &str, path: &str, value: Value| json!([{"op": op, "path": path, "value": value}]);
    let before = shown().await;
    assert_eq!(patch(json!([])).await.is(202).body, json!({"uuid": uuid}));
    assert_eq!(shown().await, before, "nothing asked, nothing changed");

    patch(on("add", "/member_ids", json!(member))).await.is(202);
    let joined = shown().await;
    assert_eq!((&joined["member_ids"], &joined["status"]), (&json!([member]), &json!("UPDATE_COMPLETE")));
    assert!(joined["updated_at"].is_string());
    patch(on("add", "/member_ids", json!("member"))).await.is(409);
    patch(on("add", "/properties/ttl", json!(60))).await.is(202);
    patch(on("replace", "/properties/dns-zone", json!("example.net"))).await.is(202);
    assert_eq!(shown().await["properties"], json!({"dns-zone": "example.net", "ttl": "60"}));
    case.patch("/v1/federations/f?rollback=True", &on("remove", "/properties/ttl", Value::Null)).send().await.is(202);
    let old = case.call("PATCH", "/v1/federations/f?rollback=True").token("member").version(2).json(&json!([]));
    assert_eq!(old.send().await.is(400).field(), "rollback");

    let before = shown().await;
    for (operations, status) in [
        (on("replace", "/member_ids", json!("host")), 400),
        (on("add", "/member_ids", json!("nope")), 404),
        (on("add", "/member_ids/x", json!(member)), 400),
        (on("add", "/member_ids", json!(5)), 400),
        (on("remove", "/member_ids", json!("host")), 404),
        (json!([{"op": "remove", "path": "/member_ids"}]), 400),
        (on("replace", "/name", json!("x")), 400),
        (on("replace", "/hostcluster_id", json!(member)), 400),
        (on("replace", "/uuid", json!(member)), 400),
        (on("remove", "/properties", Value::Null), 400),
        (on("remove", "/properties/dns-zone", Value::Null), 400),
        (on("replace", "/properties", json!({"a": "b"})), 400),
        (on("add", "/properties/ttl", json!("x".repeat(100_000))), 400),
        (
            json!([{"op": "remove", "path": "/member_ids", "value": member}, {"op": "add", "path": "/x", "value": 1}]),
            400,
        ),
    ] {
        patch(operations.clone()).await.is(status);
        assert_eq!(shown().await, before, "{operations}");
    }
    patch(on("remove", "/member_ids", json!(member))).await.is(202);
    assert_eq!(shown().await["member_ids"], json!([]));
}

#[tokio::test]
async fn federations_are_the_projects_own() {
    let (case, ..) = case().await;
    make(&case, "f").await;
    let call = |method: &str, token: &str| case.call(method, "/v1/federations/f").token(token).latest();
    let list = |token: &str| case.call("GET", "/v1/federations").token(token).latest().send();
    assert_eq!(list("other").await.is(200).body, json!({"federations": []}));
    assert_eq!(list("admin").await.is(200).body["federations"].as_array().unwrap().len(), 1);
    for method in ["GET", "PATCH", "DELETE"] {
        call(method, "other").json(&json!([])).send().await.is(404);
        call(method, "nobody").json(&json!([])).send().await.is(403);
    }
    call("GET", "reader").send().await.is(200);
    call("PATCH", "reader").json(&json!([])).send().await.is(403);
    call("DELETE", "reader").send().await.is(403);
    call("DELETE", "admin").send().await.is(204);
}
