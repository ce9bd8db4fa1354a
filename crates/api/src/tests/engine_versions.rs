//! Versions of engines: which exist, which one a cluster gets, and which are refused. In the simulated cloud the image
//! `debian-13` carries all that this release supports, `single…` only v1.36.3, `empty…` none, `outdated…` is of another
//! release, and all others declare nothing.

use jeroboam_infra::simulated::{Fault, FaultKind};
use jeroboam_model::{ClusterTemplate, EngineKind};
use jeroboam_store::Scope;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Answer, Case};

const RELEASED: [&str; 4] = ["v1.37.2", "v1.36.3", "v1.35.4", "v1.34.4"];

fn template(image: &str, kube_tag: Option<&str>) -> Value {
    let labels = kube_tag.map_or(json!({}), |tag| json!({"kube_tag": tag}));
    json!({"name": image, "coe": "kubernetes", "image_id": image, "labels": labels})
}

/// Stores a template as an earlier release left it, without any checks.
async fn keep(case: &Case, name: &str, image: &str, kube_tag: Option<&str>) {
    let labels = kube_tag.map(|tag| ("kube_tag".to_owned(), tag.to_owned())).into_iter().collect();
    let kept = ClusterTemplate {
        name: Some(name.to_owned()),
        labels,
        ..ClusterTemplate::new(EngineKind::KUBERNETES, image, "p", "member", Timestamp::now())
    };
    case.store.create_template(&kept).await.unwrap();
}

async fn create(case: &Case, name: &str, template: &str, labels: Value) -> Answer {
    let body = json!({"name": name, "cluster_template_id": template, "labels": labels});
    case.post("/v1/clusters", &body).send().await
}

/// The version with which a cluster was created.
async fn pinned(case: &Case, name: &str) -> Option<String> {
    case.store.cluster(&Scope::All, name).await.unwrap().cluster.engine_version
}

fn detail(answer: &Answer) -> &str {
    answer.body["errors"][0]["detail"].as_str().unwrap()
}

fn fault(call: &'static str) -> Fault {
    Fault { call, nth: 0, kind: FaultKind::Passing }
}

#[tokio::test]
async fn versions_are_listed_by_engine_newest_first() {
    let case = Case::new().await;
    let body = case.get("/v1/engineversions").send().await.is(200).body;
    let versions = body["engineversions"].as_array().unwrap();
    let names: Vec<_> = versions.iter().map(|version| version["version"].as_str().unwrap()).collect();
    assert_eq!(names, [&RELEASED[..], &["26.1.5"]].concat());
    assert_eq!(
        versions[1],
        json!({
            "engine": "kubernetes", "version": "v1.36.3", "available": true, "default": false,
            "images": [{"name": "debian-13", "source": "simulated"}], "supported_until": "2027-06-28",
            "supported": versions[1]["supported"], "upgrades": ["v1.37.2"], "upgrades_offered": false,
        })
    );
    assert_eq!((&versions[0]["default"], &versions[0]["upgrades"]), (&json!(true), &json!([])));
    assert_eq!((&versions[4]["engine"], &versions[4]["supported_until"]), (&json!("swarm"), &Value::Null));
    for (engine, count) in [("kubernetes", 4), ("swarm", 1)] {
        let body = case.get(&format!("/v1/engineversions?engine={engine}")).send().await.is(200).body;
        assert_eq!(body["engineversions"].as_array().unwrap().len(), count, "{engine}");
    }
}

#[tokio::test]
async fn bad_questions_about_versions_are_refused_by_name() {
    let case = Case::new().await;
    for (query, field) in [
        ("engine=mesos", "engine"),
        ("engine=", "engine"),
        ("engine=Kubernetes", "engine"),
        ("engine=swarm&engine=swarm", "engine"),
        ("coe=swarm", "coe"),
    ] {
        let answer = case.get(&format!("/v1/engineversions?{query}")).send().await.is(400);
        assert_eq!(answer.field(), field, "{query}");
    }
    case.call("POST", "/v1/engineversions").token("member").latest().send().await.is(405);
    case.call("GET", "/v1/engineversions").token("nobody").latest().send().await.is(403);
    case.infra.inject(fault("node_images"));
    case.get("/v1/engineversions").send().await.is(503);
}

#[tokio::test]
async fn a_cluster_gets_the_newest_version_that_is_asked_for() {
    let case = Case::new().await;
    for image in ["debian-13", "single", "ubuntu-24.04"] {
        case.post("/v1/clustertemplates", &template(image, None)).send().await.is(201);
    }
    for (name, image, labels, version) in [
        ("a", "debian-13", json!({}), "v1.37.2"),
        ("b", "debian-13", json!({"kube_tag": "v1.36"}), "v1.36.3"),
        ("c", "debian-13", json!({"kube_tag": "1.35"}), "v1.35.4"),
        ("d", "debian-13", json!({"kube_tag": "1.34.4"}), "v1.34.4"),
        ("e", "single", json!({}), "v1.36.3"),
        // Nothing is known of the image: all that this release supports.
        ("f", "ubuntu-24.04", json!({}), "v1.37.2"),
        ("g", "ubuntu-24.04", json!({"kube_tag": "v1.34"}), "v1.34.4"),
    ] {
        create(&case, name, image, labels.clone()).await.is(202);
        assert_eq!(pinned(&case, name).await.as_deref(), Some(version), "{image} {labels}");
        // The client's value stays unchanged: some clients compare it.
        assert_eq!(case.get(&format!("/v1/clusters/{name}")).send().await.body["labels"], labels);
        let tree = case.get(&format!("/v1/clusters/{name}/topology")).send().await.is(200).body;
        assert_eq!(tree["engine_version"], version);
    }
    case.template("swarm", "swarm").await;
    create(&case, "h", "swarm", json!({})).await.is(202);
    assert_eq!(pinned(&case, "h").await, None);
}

#[tokio::test]
async fn the_version_is_explained_as_exactly_as_it_is_known() {
    let case = Case::new().await;
    for (image, tag) in [("debian-13", Some("v1.36")), ("single", None)] {
        case.post("/v1/clustertemplates", &template(image, tag)).send().await.is(201);
    }
    create(&case, "c", "debian-13", json!({})).await.is(202);
    create(&case, "d", "single", json!({})).await.is(202);
    keep(&case, "old", "debian-13", Some("v1.20.2")).await;
    for (path, value, source, note) in [
        ("clustertemplates/debian-13", "v1.36", "template", json!("stands for v1.36.3")),
        ("clustertemplates/single", "v1.36.3", "default", Value::Null),
        ("clusters/c", "v1.36", "template", json!("stands for v1.36.3")),
        ("clusters/d", "v1.36.3", "default", Value::Null),
        (
            "clustertemplates/old",
            "v1.20.2",
            "template",
            json!("Kubernetes 1.20 is too old: this release supports 1.34 to 1.37"),
        ),
    ] {
        let body = case.get(&format!("/v1/{path}/labels")).send().await.is(200).body;
        let label = body["labels"].as_array().unwrap().iter().find(|label| label["name"] == "kube_tag").unwrap();
        let expected = (&json!(value), &json!(source), &note);
        assert_eq!((&label["value"], &label["source"], &label["note"]), expected, "{path}");
    }
}

#[tokio::test]
async fn what_is_no_version_or_not_made_is_refused_wherever_it_is_given() {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    for (tag, words) in [
        ("latest", "v1.37.2, or v1.37 for its newest patch"),
        ("", "v1.37.2, or v1.37"),
        (" v1.37", "v1.37.2, or v1.37"),
        ("v1.037.2", "v1.37.2, or v1.37"),
        ("v1.37.2/../../../etc", "v1.37.2, or v1.37"),
        ("v1.99999999999999999999", "v1.37.2, or v1.37"),
        ("v1.33.1", "Kubernetes 1.33 is too old: this release supports 1.34 to 1.37"),
        ("1.20", "Kubernetes 1.20 is too old: this release supports 1.34 to 1.37"),
        ("v1.38", "Kubernetes 1.38 is not known: this release supports 1.34 to 1.37"),
        // The image has other patch releases of it.
        ("v1.36.1", "the image 'debian-13' has Kubernetes v1.37.2, v1.36.3, v1.35.4, v1.34.4, not v1.36.1"),
    ] {
        let patch = json!([{"op": "add", "path": "/labels/kube_tag", "value": tag}]);
        for answer in [
            case.post("/v1/clustertemplates", &template("debian-13", Some(tag))).send().await.is(400),
            case.patch("/v1/clustertemplates/t", &patch).send().await.is(400),
            create(&case, "c", "t", json!({"kube_tag": tag})).await.is(400),
        ] {
            assert_eq!(answer.field(), "labels.kube_tag", "{tag}");
            assert!(detail(&answer).contains(words), "{tag}: {}", answer.body);
            // Magnum's command line prints the title only.
            assert!(answer.body["errors"][0]["title"].as_str().unwrap().contains(words), "{}", answer.body);
        }
    }
    assert_eq!(case.get("/v1/clusters").send().await.body["clusters"], json!([]));
    assert_eq!(case.get("/v1/clustertemplates/t").send().await.body["labels"], json!({}));
}

#[tokio::test]
async fn a_version_that_the_image_lacks_is_refused_with_those_that_it_has() {
    let case = Case::new().await;
    case.post("/v1/clustertemplates", &template("single", None)).send().await.is(201);
    for tag in ["v1.37", "v1.37.2", "1.36.2"] {
        for answer in [
            case.post("/v1/clustertemplates", &template("single", Some(tag))).send().await.is(400),
            create(&case, "c", "single", json!({"kube_tag": tag})).await.is(400),
        ] {
            assert_eq!(answer.field(), "labels.kube_tag");
            assert!(detail(&answer).contains("the image 'single' has Kubernetes v1.36.3, not"), "{}", answer.body);
        }
    }
    let answer = case.post("/v1/clustertemplates", &template("empty", None)).send().await.is(400);
    assert_eq!(answer.field(), "image_id");
    assert!(detail(&answer).contains("no Kubernetes") && detail(&answer).contains("1.34 to 1.37"), "{}", answer.body);
    // Swarm needs none.
    let swarm = json!({"name": "s", "coe": "swarm", "image_id": "empty"});
    case.post("/v1/clustertemplates", &swarm).send().await.is(201);
    // With an image of which nothing is known, only what this release supports.
    let answer = case.post("/v1/clustertemplates", &template("ubuntu-24.04", Some("v1.36.1"))).send().await.is(400);
    let words = "this release makes Kubernetes v1.37.2, v1.36.3, v1.35.4, v1.34.4, not v1.36.1";
    assert!(detail(&answer).contains(words), "{}", answer.body);
}

#[tokio::test]
async fn images_of_another_release_are_refused_with_what_to_do() {
    let case = Case::new().await;
    let refused = |answer: Answer| {
        assert_eq!((answer.field(), &answer.body["errors"][0]["reason"]), ("image_id", &json!("image_outdated")));
        for word in ["'outdated-12'", "another release", "make image", "debian-13"] {
            assert!(detail(&answer).contains(word), "{word}: {}", answer.body);
        }
    };
    for coe in ["kubernetes", "swarm"] {
        let body = json!({"name": "t", "coe": coe, "image_id": "outdated-12"});
        refused(case.post("/v1/clustertemplates", &body).send().await.is(400));
    }
    case.template("t", "kubernetes").await;
    let patch = json!([{"op": "replace", "path": "/image_id", "value": "outdated-12"}]);
    refused(case.patch("/v1/clustertemplates/t", &patch).send().await.is(400));
    // A template of an earlier release still exists. It can be changed, but no cluster can be created from it.
    keep(&case, "before", "outdated-12", None).await;
    refused(create(&case, "c", "before", json!({})).await.is(400));
    let rename = json!([{"op": "replace", "path": "/name", "value": "older"}]);
    case.patch("/v1/clustertemplates/before", &rename).send().await.is(200);
    let mended = json!([{"op": "replace", "path": "/image_id", "value": "debian-13"}]);
    case.patch("/v1/clustertemplates/older", &mended).send().await.is(200);
    create(&case, "c", "older", json!({})).await.is(202);
    case.end_all().await;
    case.living_cluster("d", "t").await;
    let group = json!({"name": "more", "image_id": "outdated-12"});
    refused(case.post("/v1/clusters/d/nodegroups", &group).send().await.is(400));
}

#[tokio::test]
async fn templates_with_a_version_that_is_not_made_any_more_can_be_mended() {
    let case = Case::new().await;
    keep(&case, "t", "debian-13", Some("v1.20.2")).await;
    assert_eq!(create(&case, "c", "t", json!({})).await.is(400).field(), "labels.kube_tag");
    create(&case, "c", "t", json!({"kube_tag": "v1.36"})).await.is(202);

    keep(&case, "u", "debian-13", Some("v1.20.2")).await;
    let change = |op: &str, path: &str, value: &str| json!([{"op": op, "path": path, "value": value}]);
    case.patch("/v1/clustertemplates/u", &change("replace", "/name", "v")).send().await.is(200);
    // A change of what it names reports the version too.
    let flavor = change("replace", "/flavor_id", "m1.large");
    assert_eq!(case.patch("/v1/clustertemplates/v", &flavor).send().await.is(400).field(), "labels.kube_tag");
    case.patch("/v1/clustertemplates/v", &change("replace", "/labels/kube_tag", "v1.37")).send().await.is(200);
    create(&case, "d", "v", json!({})).await.is(202);
    assert_eq!(pinned(&case, "d").await.as_deref(), Some("v1.37.2"));
}

#[tokio::test]
async fn while_the_infrastructure_does_not_answer_the_releases_own_versions_decide() {
    let case = Case::new().await;
    keep(&case, "t", "single", None).await;
    for (name, labels, version) in [("a", json!({}), "v1.37.2"), ("b", json!({"kube_tag": "v1.34"}), "v1.34.4")] {
        case.infra.inject(fault("look_up"));
        create(&case, name, "t", labels).await.is(202);
        assert_eq!(pinned(&case, name).await.as_deref(), Some(version));
    }
    for tag in ["v1.36.1", "v1.20"] {
        case.infra.inject(fault("look_up"));
        assert_eq!(create(&case, "c", "t", json!({"kube_tag": tag})).await.is(400).field(), "labels.kube_tag");
    }
    case.infra.forget_faults();
}

#[tokio::test]
async fn node_groups_stay_with_the_version_of_their_cluster() {
    let case = Case::new().await;
    case.post("/v1/clustertemplates", &template("debian-13", Some("v1.36"))).send().await.is(201);
    case.living_cluster("c", "debian-13").await;
    let path = "/v1/clusters/c/nodegroups";
    let group = |name: &str, labels: Value| json!({"name": name, "labels": labels});
    for tag in ["v1.37", "v1.36.1", "v1.20.2"] {
        let answer = case.post(path, &group("other", json!({"kube_tag": tag}))).send().await.is(400);
        assert_eq!(answer.field(), "labels.kube_tag");
        assert!(detail(&answer).contains("where it is 'v1.36.3'"), "{}", answer.body);
    }
    for (name, tag) in [("inherited", None), ("minor", Some("1.36")), ("exact", Some("v1.36.3"))] {
        let labels = tag.map_or(json!({}), |tag| json!({"kube_tag": tag}));
        case.post(path, &group(name, labels)).send().await.is(202);
        case.succeed().await;
    }
    case.post(path, &json!({"name": "single", "image_id": "single"})).send().await.is(202);
    case.succeed().await;
    let answer = case.post(path, &json!({"name": "none", "image_id": "empty"})).send().await.is(400);
    assert_eq!(answer.field(), "image_id");
    assert!(detail(&answer).contains("no Kubernetes, and the cluster runs v1.36.3"), "{}", answer.body);
}

#[tokio::test]
async fn an_upgrade_to_another_version_is_refused_also_where_the_template_names_none() {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    let body = json!({"name": "c", "cluster_template_id": "t", "labels": {"kube_tag": "v1.36"}});
    case.post("/v1/clusters", &body).send().await.is(202);
    case.end_all().await;
    keep(&case, "old", "debian-13", Some("v1.20.2")).await;
    let mut same = template("debian-13", Some("1.36.3"));
    same["name"] = json!("same");
    case.post("/v1/clustertemplates", &same).send().await.is(201);
    let upgrade = "/v1/clusters/c/actions/upgrade";
    for (to, words) in [
        ("t", "Kubernetes version is v1.37.2, the cluster's is v1.36.3"),
        ("old", "Kubernetes 1.20 is too old: this release supports 1.34 to 1.37"),
    ] {
        let answer = case.post(upgrade, &json!({"cluster_template": to})).send().await.is(400);
        assert_eq!(answer.field(), "cluster_template");
        assert!(detail(&answer).contains(words), "{}", answer.body);
    }
    case.post(upgrade, &json!({"cluster_template": "same"})).send().await.is(202);
    assert_eq!(pinned(&case, "c").await.as_deref(), Some("v1.36.3"));
}
