//! Labels: which exist, which are accepted, which apply.

use jeroboam_model::labels::LabelRules;
use jeroboam_model::{ClusterTemplate, EngineKind};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Case;
use crate::Settings;

async fn with(rules: LabelRules) -> Case {
    Case::with(Settings { labels: rules, ..Settings::default() }).await
}

fn template(labels: &Value) -> Value {
    json!({"name": "t", "coe": "kubernetes", "image_id": "debian-13", "labels": labels})
}

/// The explanation of a cluster's labels: value, source, note.
async fn explained(case: &Case, path: &str, name: &str) -> (Value, Value, Value) {
    let body = case.get(path).send().await.is(200).body;
    let labels = body["labels"].as_array().unwrap();
    let label = labels.iter().find(|label| label["name"] == name).unwrap_or_else(|| panic!("no {name}: {body}"));
    (label["value"].clone(), label["source"].clone(), label["note"].clone())
}

#[tokio::test]
async fn all_labels_can_be_looked_up() {
    let case = Case::new().await;
    let body = case.get("/v1/labels").send().await.is(200).body;
    assert_eq!(body["rules"], "magnum");
    let labels = body["labels"].as_array().unwrap();
    assert!(labels.len() > 100 && labels[0]["name"] == "kube_tag", "{}", labels.len());
    let label = case.get("/v1/labels/flannel_backend").send().await.is(200).body;
    assert_eq!(
        label,
        json!({
            "name": "flannel_backend", "type": "choice", "allowed": "host-gw, vxlan or udp",
            "values": ["host-gw", "vxlan", "udp"], "default": "host-gw", "engines": ["kubernetes"], "has_effect": true,
            "reach": "cluster", "change": "never", "since": "0.1.0", "description": label["description"],
        })
    );
    assert_eq!(case.get("/v1/labels/monitoring_enabled").send().await.is(200).body["has_effect"], false);
    let answer = case.get("/v1/labels/kubetag").send().await.is(404);
    assert!(answer.body["errors"][0]["detail"].as_str().unwrap().contains("did you mean kube_tag?"));
    case.call("GET", "/v1/labels").send().await.is(401);
    case.get("/v1/labels?x=1").send().await.is(400);
}

#[tokio::test]
async fn ranges_of_addresses_that_nodes_have_are_refused_when_a_cluster_is_made() {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    for name in ["flannel_network_cidr", "service_cluster_ip_range"] {
        // The network of the simulated infrastructure's nodes.
        let body = json!({"cluster_template_id": "t", "labels": {name: "10.64.128.0/20"}});
        let answer = case.post("/v1/clusters", &body).send().await.is(400);
        assert_eq!(answer.field(), format!("labels.{name}"));
        let body = json!({"cluster_template_id": "t", "labels": {name: "10.65.0.0/20"}});
        case.post("/v1/clusters", &body).send().await.is(202);
    }
}

// Covers: R168.
#[tokio::test]
async fn a_slip_is_refused_wherever_labels_are_given() {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    let patched = |path: &str, value: &str| json!([{"op": "add", "path": path, "value": value}]);
    for (name, value, words) in [
        ("kubetag", "v1.37.2", "did you mean kube_tag?"),
        ("colour", "red", "jeroboam label list"),
        ("flannel_backend", "pigeon", "host-gw, vxlan or udp"),
        ("boot_volume_size", "abc", "a whole number"),
        ("auto_scaling_enabled", "ture", "true or false"),
    ] {
        let labels = json!({name: value});
        let of_cluster = json!({"cluster_template_id": "t", "labels": labels});
        for answer in [
            case.post("/v1/clustertemplates", &template(&labels)).send().await.is(400),
            case.post("/v1/clusters", &of_cluster).send().await.is(400),
            case.patch("/v1/clustertemplates/t", &patched(&format!("/labels/{name}"), value)).send().await.is(400),
        ] {
            assert_eq!(answer.field(), format!("labels.{name}"));
            // Magnum's command line prints the title: the hint must be in it.
            let title = answer.body["errors"][0]["title"].as_str().unwrap();
            assert!(title.contains(words), "{title}");
        }
    }
    assert_eq!(case.get("/v1/clustertemplates/t").send().await.body["labels"], json!({}));
    assert_eq!(case.get("/v1/clusters").send().await.body["clusters"], json!([]));
}

#[tokio::test]
async fn the_operator_says_which_labels_are_accepted() {
    for (rules, of_magnum, of_nobody) in
        [(LabelRules::Strict, 400, 400), (LabelRules::Magnum, 201, 400), (LabelRules::Any, 201, 201)]
    {
        let case = with(rules).await;
        let meant = json!({"kube_tag": "v1.37.2", "flannel_backend": "vxlan", "min_node_count": 1});
        case.post("/v1/clustertemplates", &template(&meant)).send().await.is(201);
        let magnums = json!({"monitoring_enabled": true, "auto_scaling_enabled": "False", "cloud_provider_tag": ""});
        case.post("/v1/clustertemplates", &template(&magnums)).send().await.is(of_magnum);
        case.post("/v1/clustertemplates", &template(&json!({"our_own": "x"}))).send().await.is(of_nobody);
        case.post("/v1/clustertemplates", &template(&json!({"kube_tag": "x"}))).send().await.is(400);
    }
}

#[tokio::test]
async fn templates_of_laxer_days_keep_working() {
    let case = Case::new().await;
    let old = ClusterTemplate {
        name: Some("t".to_owned()),
        labels: [("our_own".to_owned(), "x".to_owned())].into(),
        ..ClusterTemplate::new(EngineKind::KUBERNETES, "debian-13", "p", "member", Timestamp::now())
    };
    case.store.create_template(&old).await.unwrap();
    let rename = json!([{"op": "replace", "path": "/name", "value": "u"}]);
    case.patch("/v1/clustertemplates/t", &rename).send().await.is(200);
    let body = json!({"name": "c", "cluster_template_id": "u", "labels": {"etcd_tag": "1"}, "merge_labels": true});
    case.post("/v1/clusters", &body).send().await.is(202);
    let labels = case.get("/v1/clusters/c").send().await.body["labels"].clone();
    assert_eq!(labels, json!({"etcd_tag": "1", "our_own": "x"}));
    let body = json!({"cluster_template_id": "u", "labels": {"our_own": "y"}});
    assert_eq!(case.post("/v1/clusters", &body).send().await.is(400).field(), "labels.our_own");
}

#[tokio::test]
async fn many_and_large_labels_are_refused() {
    let case = with(LabelRules::Any).await;
    let many: serde_json::Map<String, Value> = (0..10_000).map(|n| (format!("l{n}"), json!(n))).collect();
    assert_eq!(case.post("/v1/clustertemplates", &template(&json!(many))).send().await.is(400).field(), "labels");
    let large = json!({"kubelet_options": "x".repeat(100_000)});
    let answer = case.post("/v1/clustertemplates", &template(&large)).send().await.is(400);
    assert_eq!(answer.field(), "labels.kubelet_options");
    let long = json!({"x".repeat(300): "x"});
    assert_eq!(case.post("/v1/clustertemplates", &template(&long)).send().await.is(400).field(), "labels");
}

#[tokio::test]
async fn each_value_says_where_it_comes_from() {
    let case = Case::new().await;
    let labels = json!({"flannel_backend": "vxlan", "flannel_network_cidr": "10.1.0.0/16", "npd_enabled": "true"});
    case.post("/v1/clustertemplates", &template(&labels)).send().await.is(201);
    let given = json!({"flannel_backend": "host-gw"});
    let body = json!({"name": "c", "cluster_template_id": "t", "labels": given, "merge_labels": true});
    case.post("/v1/clusters", &body).send().await.is(202);

    let of_template = "/v1/clustertemplates/t/labels";
    let kube_tag = (json!("v1.37.2"), json!("default"), Value::Null);
    assert_eq!(explained(&case, of_template, "kube_tag").await, kube_tag);
    assert_eq!(explained(&case, of_template, "flannel_backend").await.1, "template");
    let of_group = "/v1/clusters/c/nodegroups/default-worker/labels";
    for path in ["/v1/clusters/c/labels", of_group] {
        assert_eq!(
            explained(&case, path, "flannel_backend").await,
            (json!("host-gw"), json!("cluster"), json!("template has vxlan"))
        );
        assert_eq!(explained(&case, path, "flannel_network_cidr").await.1, "template");
        assert_eq!(explained(&case, path, "npd_enabled").await.2, "Magnum's, no effect here");
        assert_eq!(explained(&case, path, "kube_tag").await, kube_tag);
    }
    for path in [of_template, "/v1/clusters/c/labels", of_group] {
        case.call("GET", path).latest().send().await.is(401);
        case.call("GET", path).token("other").latest().send().await.is(404);
        case.call("GET", path).token("nobody").latest().send().await.is(403);
        case.call("GET", path).token("reader").latest().send().await.is(200);
    }
    for path in ["/v1/clustertemplates/x/labels", "/v1/clusters/x/labels", "/v1/clusters/c/nodegroups/x/labels"] {
        case.get(path).send().await.is(404);
    }
    case.call("GET", of_group).token("member").version(8).send().await.is(406);
}
