use jeroboam_model::QuotaDefaults;
use serde_json::{Value, json};

use super::{Answer, Call, Case};
use crate::Settings;

fn admin<'a>(case: &'a Case, method: &str, path: &str) -> Call<'a> {
    case.call(method, path).token("admin").latest()
}

async fn make(case: &Case, body: &Value) -> Answer {
    admin(case, "POST", "/v1/quotas").json(body).send().await
}

// Covers: R047, R048, R049, R050, R051.
#[tokio::test]
async fn a_quota_is_made_shown_changed_and_deleted_in_every_microversion() {
    let case = Case::new().await;
    for minor in 1..=14 {
        let call = |method: &str| case.call(method, "/v1/quotas/p/Cluster").token("admin").version(minor);
        let default = call("GET").send().await.is(200).body;
        assert_eq!(default, json!({"project_id": "p", "resource": "Cluster", "hard_limit": 20}), "no id, no times");
        let body = json!({"project_id": "p", "resource": "Cluster", "hard_limit": "5"});
        let made = case.call("POST", "/v1/quotas").token("admin").version(minor).json(&body).send().await.is(201);
        assert_eq!((made.body["hard_limit"].as_i64(), made.body["updated_at"].is_null()), (Some(5), true));
        assert!(made.body["id"].as_i64().unwrap() >= 1);
        assert!(made.body["created_at"].as_str().unwrap().ends_with("+00:00"));
        assert_eq!(call("GET").send().await.is(200).body, made.body);
        // The path names the project, whatever the body says.
        let change = json!({"project_id": "q", "resource": "WorkerNode", "hard_limit": 7});
        let changed = call("PATCH").json(&change).send().await.is(202).body;
        assert_eq!((&changed["id"], &changed["project_id"]), (&made.body["id"], &json!("p")));
        assert_eq!((&changed["resource"], &changed["hard_limit"]), (&json!("Cluster"), &json!(7)));
        assert!(changed["updated_at"].is_string());
        let gone = call("DELETE").send().await.is(204);
        assert!(gone.body == json!("") && !gone.headers.contains_key("content-type"));
        assert_eq!(call("GET").send().await.is(200).body, default);
    }
}

#[tokio::test]
async fn what_a_client_leaves_out_has_magnums_defaults() {
    let case = Case::new().await;
    let made = make(&case, &json!({"project_id": "p"})).await.is(201).body;
    assert_eq!((&made["resource"], &made["hard_limit"]), (&json!("Cluster"), &json!(1)));
    let same = admin(&case, "PATCH", "/v1/quotas/p/Cluster").json(&json!({})).send().await.is(202).body;
    assert_eq!(same, made, "nothing asked, nothing changed");
    let made = make(&case, &json!({"project_id": "q", "id": 77, "hard_limit": null})).await.is(201).body;
    assert_eq!(made["id"], 77);
    for (path, limit) in
        [("/v1/quotas/p/WorkerNode", -1), ("/v1/quotas/p/MasterNode", -1), ("/v1/quotas/nope/Nope", 20)]
    {
        assert_eq!(admin(&case, "GET", path).send().await.is(200).body["hard_limit"], limit, "{path}");
    }
    let limits = QuotaDefaults { clusters: 3, worker_nodes: Some(9), master_nodes: Some(4) };
    let case = Case::with(Settings { quotas: limits, ..Settings::default() }).await;
    for (resource, limit) in [("Cluster", 3), ("WorkerNode", 9), ("MasterNode", 4)] {
        let shown = case.get(&format!("/v1/quotas/p/{resource}")).send().await.is(200).body;
        assert_eq!((&shown["resource"], &shown["hard_limit"]), (&json!(resource), &json!(limit)));
    }
}

// Covers: R045, R046, R133.
#[tokio::test]
async fn lists_are_of_the_admins_own_project_unless_all_are_asked_for() {
    let case = Case::new().await;
    for (project, resource) in [("admin", "Cluster"), ("p", "Cluster"), ("p", "WorkerNode"), ("q", "Cluster")] {
        make(&case, &json!({"project_id": project, "resource": resource, "hard_limit": 2})).await.is(201);
    }
    let list = async |path: &str| admin(&case, "GET", path).send().await.is(200).body;
    let own = list("/v1/quotas").await;
    assert_eq!(own["quotas"].as_array().unwrap().len(), 1);
    assert_eq!((own["quotas"][0]["project_id"].as_str(), own.get("next")), (Some("admin"), None));
    assert_eq!(list("/v1/quotas?all_tenants=False").await, own);
    assert_eq!(list("/v1/quotas?all_tenants=True").await["quotas"].as_array().unwrap().len(), 4);

    let mut path = "/v1/quotas?all_tenants=1&limit=2&sort_key=project_id&sort_dir=desc".to_owned();
    let mut seen = Vec::new();
    loop {
        let page = list(&path).await;
        seen.extend(page["quotas"].as_array().unwrap().iter().map(|quota| quota["project_id"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        let last = page["quotas"][1]["id"].as_i64().unwrap();
        assert!(next.contains("all_tenants=True") && next.ends_with(&format!("&limit=2&marker={last}")), "{next}");
        path = next.strip_prefix("http://api.example:9511").unwrap().to_owned();
    }
    assert_eq!(seen, ["q", "p", "p", "admin"]);
    for (path, status, field) in [
        ("/v1/quotas?marker=999", 404, ""),
        ("/v1/quotas?marker=x", 400, "marker"),
        ("/v1/quotas?limit=0", 400, "limit"),
        ("/v1/quotas?sort_key=nope", 400, "sort_key"),
        ("/v1/quotas?sort_dir=up", 400, "sort_dir"),
        ("/v1/quotas?all_tenants=perhaps", 400, "all_tenants"),
        ("/v1/quotas?project_id=p", 400, "project_id"),
    ] {
        assert_eq!(admin(&case, "GET", path).send().await.is(status).field(), field, "{path}");
    }
}

// Covers: R311, R312.
#[tokio::test]
async fn quotas_are_the_operators_and_a_project_sees_its_own() {
    let case = Case::new().await;
    make(&case, &json!({"project_id": "q"})).await.is(201);
    for token in ["reader", "member"] {
        let call = |method: &str, path: &str| case.call(method, path).token(token).latest();
        let body = json!({"project_id": "p", "hard_limit": 100});
        call("GET", "/v1/quotas").send().await.is(403);
        call("POST", "/v1/quotas").json(&body).send().await.is(403);
        call("PATCH", "/v1/quotas/p/Cluster").json(&json!({"hard_limit": 100})).send().await.is(403);
        call("DELETE", "/v1/quotas/p/Cluster").send().await.is(403);
        call("GET", "/v1/quotas/q/Cluster").send().await.is(403);
        call("GET", "/v1/quotas/p/Cluster").send().await.is(200);
    }
    case.call("GET", "/v1/quotas/p/Cluster").token("nobody").send().await.is(403);
}

// Covers: R313, R314, R315, R316.
#[tokio::test]
async fn what_is_wrong_with_a_quota_is_refused_and_changes_nothing() {
    let case = Case::new().await;
    make(&case, &json!({"project_id": "p", "hard_limit": 3})).await.is(201);
    for (body, status, field) in [
        (json!({"project_id": "nowhere"}), 404, "project_id"),
        (json!({"project_id": "unavailable"}), 503, ""),
        (json!({"project_id": "p", "hard_limit": 9}), 409, ""),
        (json!({"hard_limit": 9}), 400, "project_id"),
        (json!({"project_id": null}), 400, "project_id"),
        (json!({"project_id": ""}), 400, "project_id"),
        (json!({"project_id": "q", "hard_limit": -1}), 400, "hard_limit"),
        (json!({"project_id": "q", "hard_limit": "many"}), 400, "hard_limit"),
        (json!({"project_id": "q", "hard_limit": 3_000_000_000_i64}), 400, "hard_limit"),
        (json!({"project_id": "q", "resource": "Node"}), 400, "resource"),
        (json!({"project_id": "q", "resource": "cluster"}), 400, "resource"),
        (json!({"project_id": "q", "id": 0}), 400, "id"),
        (json!({"project_id": "q", "created_at": null}), 400, "created_at"),
        (json!({"project_id": "q", "limit": 1}), 400, "limit"),
    ] {
        assert_eq!(make(&case, &body).await.is(status).field(), field, "{body}");
    }
    for (method, path, status) in [
        ("PATCH", "/v1/quotas/q/Cluster", 404),
        ("PATCH", "/v1/quotas/p/Nope", 404),
        ("DELETE", "/v1/quotas/q/Cluster", 404),
        ("DELETE", "/v1/quotas/p/Nope", 404),
        ("GET", "/v1/quotas/p", 400),
        ("PATCH", "/v1/quotas/p", 400),
        ("DELETE", "/v1/quotas/p", 400),
        ("DELETE", "/v1/quotas", 400),
    ] {
        admin(&case, method, path).json(&json!({"hard_limit": 9})).send().await.is(status);
    }
    let patch = |body: Value| admin(&case, "PATCH", "/v1/quotas/p/Cluster").json(&body).send();
    assert_eq!(patch(json!({"hard_limit": -1})).await.is(400).field(), "hard_limit");
    assert_eq!(patch(json!({"nope": 1})).await.is(400).field(), "nope");
    patch(json!([{"op": "replace", "path": "/hard_limit", "value": 1}])).await.is(400);
    let kept = admin(&case, "GET", "/v1/quotas?all_tenants=True").send().await.is(200).body;
    assert_eq!((kept["quotas"].as_array().unwrap().len(), &kept["quotas"][0]["hard_limit"]), (1, &json!(3)));
}

// Covers: R207, R317, R318.
#[tokio::test]
async fn a_quota_that_is_reached_refuses_and_the_default_is_twenty() {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    for number in 0..20 {
        case.cluster(&format!("c{number}"), "t").await;
    }
    let body = json!({"name": "c20", "cluster_template_id": "t"});
    let refused = case.post("/v1/clusters", &body).send().await.is(403);
    let detail = refused.body["errors"][0]["detail"].as_str().unwrap();
    assert!(detail.starts_with("You have reached the maximum clusters per project, 20."), "{detail}");
    assert_eq!(refused.body["errors"][0]["reason"], "quota_reached");
    make(&case, &json!({"project_id": "p", "hard_limit": 21})).await.is(201);
    case.post("/v1/clusters", &body).send().await.is(202);
    case.post("/v1/clusters", &body).send().await.is(403);
    admin(&case, "PATCH", "/v1/quotas/p/Cluster").json(&json!({"hard_limit": 0})).send().await.is(202);
    case.post("/v1/clusters", &body).send().await.is(403);
    // Bays are clusters.
    let bay = json!({"baymodel_id": "t"});
    case.call("POST", "/v1/bays").token("member").version(10).json(&bay).send().await.is(403);
    let stats = case.get("/v1/stats").send().await.is(200).body;
    assert_eq!(stats["clusters"], 21);
}

#[tokio::test]
async fn nodes_and_masters_have_quotas_too() {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    case.complete_cluster("c", "t").await;
    for (resource, limit) in [("WorkerNode", 3), ("MasterNode", 1)] {
        make(&case, &json!({"project_id": "p", "resource": resource, "hard_limit": limit})).await.is(201);
    }
    let refused = |answer: Answer, words: &str| {
        let detail = answer.is(403).body["errors"][0]["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(words), "{detail}");
    };
    let create = |nodes: u32| json!({"cluster_template_id": "t", "node_count": nodes});
    refused(case.post("/v1/clusters", &create(2)).send().await, "maximum nodes per project, 3");
    refused(case.post("/v1/clusters", &create(1)).send().await, "maximum masters per project, 1");
    let resize = |nodes: u32| json!({"node_count": nodes});
    refused(case.post("/v1/clusters/c/actions/resize", &resize(4)).send().await, "maximum nodes");
    case.post("/v1/clusters/c/actions/resize", &resize(3)).send().await.is(202);
    case.post("/v1/clusters/c/actions/resize", &resize(1)).send().await.is(202);
}
