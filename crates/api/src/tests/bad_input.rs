//! Input that is refused: always a 4xx that names the field, and nothing changes.

use jeroboam_store::{Page, Scope};
use serde_json::{Value, json};

use super::Case;

async fn counts(case: &Case) -> (usize, usize, usize) {
    let (all, page) = (Scope::All, Page::default());
    (
        case.store.templates(&all, &page).await.unwrap().len(),
        case.store.clusters(&all, &page).await.unwrap().len(),
        case.store.operations(&all, None, &page).await.unwrap().len(),
    )
}

#[tokio::test]
async fn clusters_are_not_made_of_bad_input() {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    let before = counts(&case).await;
    let long = "a".repeat(243);
    for (field, value) in [
        ("name", json!(long)),
        ("name", json!("1a")),
        ("name", json!("a b")),
        ("name", json!("")),
        ("name", json!(5)),
        ("node_count", json!(-1)),
        ("node_count", json!(10_000)),
        ("node_count", json!("many")),
        ("node_count", json!("")),
        ("node_count", json!(1e30)),
        ("node_count", json!([])),
        ("master_count", json!(0)),
        ("master_count", json!(2)),
        ("master_count", json!(3)),
        ("docker_volume_size", json!(0)),
        ("labels", json!("a=b")),
        ("labels.a", json!({"a": {"b": "c"}})),
        ("labels.kube_tag", json!({"kube_tag": "latest"})),
        ("labels.boot_volume_size", json!({"boot_volume_size": "big"})),
        ("merge_labels", json!("perhaps")),
        ("create_timeout", json!(-1)),
        ("floating_ip_enabled", json!(7)),
        ("cluster_template_id", json!(null)),
        ("cluster_template_id", json!("missing")),
        ("image_id", json!("x")),
        ("links", json!(null)),
        ("api_address", json!("x")),
        ("project_id", json!("p")),
    ] {
        let mut body = json!({"name": "c", "cluster_template_id": "t"});
        body[field.split('.').next().unwrap()] = value.clone();
        let answer = case.post("/v1/clusters", &body).send().await;
        assert!((400..500).contains(&answer.status), "{field} {value}: {}", answer.body);
        assert_eq!(answer.field(), field, "{value}: {}", answer.body);
        assert_eq!(answer.body["errors"][0]["code"], "client");
    }
    // No nodes at all: from 1.10 on a cluster may have masters only, never before, and a bay never.
    for version in [1, 9] {
        let body = json!({"cluster_template_id": "t", "node_count": 0});
        let answer =
            case.call("POST", "/v1/clusters").token("member").version(version).json(&body).send().await.is(400);
        assert_eq!(answer.field(), "node_count");
    }
    let body = json!({"baymodel_id": "t", "node_count": "0"});
    let answer = case.call("POST", "/v1/bays").token("member").version(10).json(&body).send().await.is(400);
    assert_eq!(answer.field(), "node_count");
    assert_eq!(counts(&case).await, before);
    let body = json!({"cluster_template_id": "t", "node_count": 0});
    case.post("/v1/clusters", &body).send().await.is(202);
}

#[tokio::test]
async fn templates_are_not_made_of_bad_input() {
    let case = Case::new().await;
    for (field, value) in [
        ("name", json!("")),
        ("name", json!("a".repeat(256))),
        ("coe", json!(null)),
        ("coe", json!("mesos")),
        ("coe", json!("Kubernetes")),
        ("image_id", json!("missing")),
        ("image_id", json!(null)),
        ("server_type", json!("bm")),
        ("server_type", json!(null)),
        ("network_driver", json!("bad")),
        ("volume_driver", json!("bad")),
        ("docker_volume_size", json!(0)),
        ("apiserver_port", json!(80)),
        ("apiserver_port", json!(65536)),
        ("dns_nameserver", json!("8.8.8.8, x")),
        ("dns_nameserver", json!("::1")),
        ("public", json!("maybe")),
        ("labels.flannel_network_cidr", json!({"flannel_network_cidr": "x"})),
        ("driver", json!("heat")),
        ("uuid", json!("x")),
        ("created_at", json!(null)),
        ("nope", json!(1)),
    ] {
        let mut body = json!({"name": "t", "coe": "kubernetes", "image_id": "debian-13"});
        body[field.split('.').next().unwrap()] = value.clone();
        let answer = case.post("/v1/clustertemplates", &body).send().await.is(400);
        assert_eq!(answer.field(), field, "{value}: {}", answer.body);
    }
    let body =
        json!({"coe": "kubernetes", "image_id": "x", "docker_storage_driver": "devicemapper", "docker_volume_size": 2});
    assert_eq!(case.post("/v1/clustertemplates", &body).send().await.is(400).field(), "docker_volume_size");
    assert_eq!(counts(&case).await, (0, 0, 0));
}

#[tokio::test]
async fn changes_of_clusters_are_checked() {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    case.complete_cluster("c", "t").await;
    let before = counts(&case).await;
    for (field, value) in [
        ("node_count", json!(-1)),
        ("node_count", json!(10_000)),
        ("node_count", json!("x")),
        ("nodes_to_remove", json!(["nobody"])),
        ("nodes_to_remove", json!("x")),
        ("nodegroup", json!("default-master")),
        ("nope", json!(1)),
    ] {
        let mut body = json!({"node_count": 3});
        body[field] = value.clone();
        let answer = case.post("/v1/clusters/c/actions/resize", &body).send().await.is(400);
        assert_eq!(answer.field(), field, "{value}: {}", answer.body);
    }
    case.post("/v1/clusters/c/actions/resize", &json!({})).send().await.is(400);
    case.post("/v1/clusters/c/actions/resize", &json!({"node_count": 3, "nodegroup": "nope"})).send().await.is(404);
    for (path, value) in [
        ("/node_count", json!(-1)),
        ("/node_count", json!(10_000)),
        ("/name", json!("x")),
        ("/master_count", json!(3)),
        ("/labels", json!("{'a': 'b'}")),
        ("/health_status", json!("FINE")),
        ("/health_status_reason", json!("a=b")),
        ("/status", json!("CREATE_FAILED")),
        ("/project_id", json!("q")),
        ("/api_address", json!("x")),
    ] {
        let patch = json!([{"op": "replace", "path": path, "value": value}]);
        let answer = case.patch("/v1/clusters/c", &patch).send().await.is(400);
        assert!(path.ends_with(answer.field()), "{path}: {}", answer.body);
    }
    // All or nothing.
    let patch = json!([
        {"op": "replace", "path": "/node_count", "value": 3},
        {"op": "replace", "path": "/name", "value": "x"},
    ]);
    case.patch("/v1/clusters/c", &patch).send().await.is(400);
    assert_eq!(counts(&case).await, before);
    assert_eq!(case.get("/v1/clusters/c").send().await.body["node_count"], 2);
}

#[tokio::test]
async fn bodies_and_queries_are_checked_before_anything_else() {
    let case = Case::new().await;
    let post = |content_type: &'static str, body: &'static str| {
        let call = case.call("POST", "/v1/clusters").token("member").latest().raw(body);
        let call = if content_type.is_empty() { call } else { call.header("content-type", content_type) };
        async move { call.send().await.status }
    };
    assert_eq!(post("application/json", "{").await, 400);
    assert_eq!(post("application/json", "").await, 400);
    assert_eq!(post("application/json", "[]").await, 400);
    assert_eq!(post("application/json", "null").await, 400);
    assert_eq!(post("text/plain", "{}").await, 415);
    assert_eq!(post("application/json-patch+json", "{}").await, 415);
    assert_eq!(post("application/json; charset=utf-8", r#"{"x": 1}"#).await, 400);
    assert_eq!(post("", r#"{"x": 1}"#).await, 400);
    let large = format!(r#"{{"name": "{}"}}"#, "x".repeat(1024 * 1024));
    let call = case.call("POST", "/v1/clusters").token("member").raw(&large);
    call.send().await.is(413);
    for path in ["/v1/clusters?nope=1", "/v1/clusters?limit=0", "/v1/clusters?limit=1&limit=2", "/v1/clusters?marker=x"]
    {
        case.get(path).send().await.is(400);
    }
    for path in ["/v1/clusters?sort_key=node_count", "/v1/clusters?sort_dir=up", "/v1/clusters/x?nope=1"] {
        case.get(path).send().await.is(400);
    }
    case.get(&format!("/v1/clusters?marker={}", uuid::Uuid::new_v4())).send().await.is(404);
    case.patch("/v1/clusters/x", &json!({})).send().await.is(400);
}

#[tokio::test]
async fn manifests_are_checked_before_the_cluster_is_asked() {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    case.complete_cluster("c", "t").await;
    case.template("s", "swarm").await;
    case.complete_cluster("herd", "s").await;
    let pod = "{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"name\": \"x\"}, \
               \"spec\": {\"containers\": [{\"name\": \"x\", \"image\": \"x\"}]}}";
    for (field, body) in [
        ("manifest", json!({"bay_uuid": "c", "manifest": "{"})),
        ("manifest", json!({"bay_uuid": "c", "manifest": "a: b\n---\nc: d\n"})),
        ("manifest: kind", json!({"bay_uuid": "c", "manifest": pod.replace("Pod", "Service")})),
        (
            "manifest: spec.container",
            json!({"bay_uuid": "c", "manifest": pod.replace("\"spec\": {", "\"spec\": {\"container\": 1, ")}),
        ),
        ("manifest", json!({"bay_uuid": "c"})),
        ("manifest", json!({"bay_uuid": "c", "manifest": "", "manifest_url": ""})),
        ("manifest_url", json!({"bay_uuid": "c", "manifest_url": "file:///etc/passwd"})),
        ("manifest_url", json!({"bay_uuid": "c", "manifest_url": "http://127.0.0.1:1/x"})),
        ("manifest_url", json!({"bay_uuid": "c", "manifest_url": "http://[::1]/x"})),
        ("manifest_url", json!({"bay_uuid": "c", "manifest_url": "http://169.254.169.254/x"})),
        ("manifest_url", json!({"bay_uuid": "c", "manifest_url": "http://10.0.0.1/x"})),
        ("bay_uuid", json!({"manifest": pod})),
        ("bay_uuid", json!({"bay_uuid": "nope", "manifest": pod})),
        ("bay_uuid", json!({"bay_uuid": "herd", "manifest": pod})),
        ("nope", json!({"bay_uuid": "c", "manifest": pod, "nope": 1})),
    ] {
        let answer = case.post("/v1/pods", &body).send().await.is(400);
        assert_eq!(answer.field(), field, "{body}: {}", answer.body);
    }
    for body in [json!({"bay_uuid": "c", "image": "x"}), json!({"bay_uuid": "herd"}), json!({"image": "x"})] {
        case.post("/v1/containers", &body).send().await.is(400);
    }
    for path in ["/v1/pods", "/v1/pods/x", "/v1/pods?bay_ident=herd", "/v1/containers?bay_ident=c"] {
        case.get(path).send().await.is(400);
    }
    case.get("/v1/pods?bay_ident=nope").send().await.is(404);
    let nothing: Value = case.get("/v1/containers").send().await.is(200).body;
    assert_eq!(nothing, json!({"containers": []}));
}
