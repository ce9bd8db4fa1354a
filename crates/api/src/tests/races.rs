//! Concurrent requests: no successful change is lost, and two valid requests cannot break a rule together.

use futures::future::join_all;
use jeroboam_model::validate::Limits;
use serde_json::{Value, json};

use super::{Answer, Call, Case};
use crate::Settings;

const GROUP: &str = "/v1/clusters/c/nodegroups/default-worker";
const RESIZE: &str = "/v1/clusters/c/actions/resize";

/// How often a race is run: the rules hold whichever request wins.
const ROUNDS: u32 = 4;

fn replace(name: &str, value: &Value) -> Value {
    json!([{"op": "replace", "path": format!("/{name}"), "value": value}])
}

async fn all<'a>(calls: impl IntoIterator<Item = Call<'a>>) -> Vec<Answer> {
    join_all(calls.into_iter().map(Call::send)).await
}

/// Changes several attributes concurrently, each by its own request, and checks that no change is lost.
async fn none_is_lost(case: &Case, path: &str, version: u16, status: u16, changes: &[(&str, Value)]) {
    let call = |method: &str| case.call(method, path).token("member").version(version);
    for answer in all(changes.iter().map(|(name, value)| call("PATCH").json(&replace(name, value)))).await {
        answer.is(status);
    }
    let now = call("GET").send().await.is(200).body;
    for (name, value) in changes {
        assert_eq!(now[name], *value, "{path}: {name} was lost");
    }
}

#[tokio::test]
async fn changes_of_different_attributes_are_all_kept() {
    let case = Case::new().await;
    let node = case.call("POST", "/v1/nodes").token("member").json(&json!({})).send().await.is(201).uuid();
    let of_node = [("type", json!("virt")), ("image_id", json!("i")), ("ironic_node_id", json!("m"))];
    none_is_lost(&case, &format!("/v1/nodes/{node}"), 1, 200, &of_node).await;
    case.template("t", "kubernetes").await;
    case.living_cluster("c", "t").await;
    let of_group = [
        ("min_node_count", json!(1)),
        ("max_node_count", json!(9)),
        ("node_labels", json!({"a": "b"})),
        ("node_taints", json!([{"key": "x", "value": "", "effect": "NoSchedule"}])),
    ];
    none_is_lost(&case, GROUP, 14, 202, &of_group).await;
}

#[tokio::test]
async fn a_machine_is_given_to_a_node_once() {
    let case = Case::new().await;
    let node = case.call("POST", "/v1/nodes").token("member").json(&json!({})).send().await.is(201).uuid();
    let patch = |machine: &str| {
        let call = case.call("PATCH", &format!("/v1/nodes/{node}")).token("member");
        call.json(&replace("ironic_node_id", &json!(machine)))
    };
    let mut statuses: Vec<u16> = all([patch("a"), patch("b")]).await.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
}

#[tokio::test]
async fn a_cluster_never_gets_more_nodes_than_it_may_have() {
    let limits = Limits { nodes: 6, ..Limits::default() };
    for _ in 0..ROUNDS {
        let case = Case::with(Settings { limits, ..Settings::default() }).await;
        case.template("t", "kubernetes").await;
        case.living_cluster("c", "t").await;
        let make = |name: &str| case.post("/v1/clusters/c/nodegroups", &json!({"name": name, "node_count": 3}));
        let grow = || case.post(RESIZE, &json!({"node_count": 5}));
        let answers = all([make("a"), make("b"), grow(), make("c"), grow()]).await;
        for refused in answers.iter().filter(|answer| answer.status != 202) {
            assert_eq!((refused.status, refused.field()), (400, "node_count"), "{}", refused.body);
        }
        let nodes = case.get("/v1/clusters/c").send().await.is(200).body["node_count"].as_u64().unwrap();
        assert_eq!(nodes, 5, "one group of 3 beside the 2 that were there, or those grown to 5");
    }
}

#[tokio::test]
async fn a_group_never_leaves_its_bounds() {
    for _ in 0..ROUNDS {
        let case = Case::new().await;
        case.template("t", "kubernetes").await;
        case.living_cluster("c", "t").await;
        case.post(RESIZE, &json!({"node_count": 5})).send().await.is(202);
        let minimum = case.patch(GROUP, &replace("min_node_count", &json!(5)));
        let answers = all([minimum, case.post(RESIZE, &json!({"node_count": 1}))]).await;
        let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        assert!([[202, 400], [409, 202]].contains(&[statuses[0], statuses[1]]), "{statuses:?}");
        let refused = answers.iter().find(|answer| answer.status != 202).map(Answer::field);
        assert_eq!(refused, Some("node_count"));
        let group = case.get(GROUP).send().await.is(200).body;
        assert!(group["node_count"].as_u64() >= group["min_node_count"].as_u64(), "{group}");
    }
}

#[tokio::test]
async fn changes_of_a_template_are_all_kept() {
    let case = Case::new().await;
    let proxies = [
        ("tags", json!("x,y")),
        ("http_proxy", json!("http://a")),
        ("https_proxy", json!("http://b")),
        ("no_proxy", json!("c")),
    ];
    let uuid = case.template("t", "kubernetes").await;
    none_is_lost(&case, &format!("/v1/clustertemplates/{uuid}"), 14, 200, &proxies).await;
    let body =
        json!({"name": "b", "coe": "swarm", "image_id": "debian-13", "keypair_id": "k", "external_network_id": "n"});
    let create = case.call("POST", "/v1/baymodels").token("member").version(1).json(&body).send().await;
    none_is_lost(&case, &format!("/v1/baymodels/{}", create.is(201).uuid()), 1, 200, &proxies[1..]).await;

    // An admin publishes by the old name while somebody renames.
    for _ in 0..ROUNDS {
        let uuid = case.template("draft", "kubernetes").await;
        let path = format!("/v1/clustertemplates/{uuid}");
        let publish = case.call("PATCH", &path).token("admin").latest().json(&replace("public", &json!(true)));
        let rename = case.patch("/v1/clustertemplates/draft", &replace("name", &json!("ready")));
        for answer in all([publish, rename]).await {
            answer.is(200);
        }
        let now = case.get(&path).send().await.is(200).body;
        assert_eq!((&now["public"], &now["name"]), (&json!(true), &json!("ready")));
    }
}

#[tokio::test]
async fn a_cluster_is_of_the_template_that_is_there_when_it_is_made() {
    let case = Case::new().await;
    for round in 0..ROUNDS {
        let template = case.template(&format!("t{round}"), "kubernetes").await;
        let body = json!({"name": format!("c{round}"), "cluster_template_id": template});
        let path = format!("/v1/clustertemplates/{template}");
        let patch = case.patch(&path, &replace("labels", &json!("{'flannel_backend': 'vxlan'}")));
        let answers = all([case.post("/v1/clusters", &body), patch]).await;
        answers[0].body["uuid"].as_str().unwrap();
        // Either the change came first, and the cluster has it; or the cluster came first, and the change is refused.
        let cluster = case.get(&format!("/v1/clusters/c{round}")).send().await.is(200).body;
        let template = case.get(&path).send().await.is(200).body;
        assert_eq!(cluster["labels"], template["labels"], "{}", answers[1].body);
        match answers[1].status {
            200 => assert_eq!(template["labels"], json!({"flannel_backend": "vxlan"})),
            400 => assert_eq!(answers[1].body["errors"][0]["reason"], "in_use"),
            status => panic!("{status}: {}", answers[1].body),
        }
    }
}

#[tokio::test]
async fn a_template_that_goes_takes_no_cluster_with_it() {
    let case = Case::new().await;
    for round in 0..ROUNDS {
        let template = case.template(&format!("t{round}"), "kubernetes").await;
        let body = json!({"name": format!("c{round}"), "cluster_template_id": template});
        let delete = case.delete(&format!("/v1/clustertemplates/{template}"));
        let answers = all([case.post("/v1/clusters", &body), delete]).await;
        let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        assert!([[202, 400], [404, 204]].contains(&[statuses[0], statuses[1]]), "{statuses:?}");
    }
}

#[tokio::test]
async fn of_two_patches_of_a_clusters_size_one_is_refused() {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    case.living_cluster("c", "t").await;
    let patch = |count: u32| case.patch("/v1/clusters/c", &replace("node_count", &json!(count)));
    let answers = all([patch(3), patch(4)]).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [202, 400], "the second finds it in UPDATE_IN_PROGRESS");
}
