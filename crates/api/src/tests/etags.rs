//! `ETag`, `If-Match` and `If-None-Match`.

use serde_json::json;

use super::*;

fn tag(answer: &Answer) -> String {
    answer.headers["etag"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_can_be_changed_has_a_tag_that_follows_its_state() {
    let case = Case::new().await;
    let template = case.template("small", "kubernetes").await;
    let cluster = case.complete_cluster("prod", &template).await;
    for path in [
        format!("/v1/clustertemplates/{template}"),
        format!("/v1/clusters/{cluster}"),
        format!("/v1/clusters/{cluster}/nodegroups/default-worker"),
    ] {
        let before = tag(&case.get(&path).send().await.is(200));
        assert_eq!(tag(&case.get(&path).send().await.is(200)), before, "{path}");
        let known = case.get(&path).header("if-none-match", &before).send().await.is(304);
        assert_eq!((tag(&known), known.body), (before.clone(), json!("")), "{path}");
        let weak = format!("\"other\", W/{before}");
        case.get(&path).header("if-none-match", &weak).send().await.is(304);
        case.get(&path).header("if-none-match", "\"other\"").send().await.is(200);
        case.get(&path).header("if-match", &before).send().await.is(200);
        case.get(&path).header("if-match", "\"other\"").send().await.is(412);
        case.get(&path).header("if-match", "other").send().await.is(400);
    }
    // The same state in another microversion is another representation.
    let path = format!("/v1/clusters/{cluster}");
    let newest = tag(&case.get(&path).send().await);
    let oldest = tag(&case.call("GET", &path).token("member").version(1).send().await);
    assert_ne!(newest, oldest);
    let patch = json!([{"op": "replace", "path": "/node_count", "value": 3}]);
    case.patch(&path, &patch).send().await.is(202);
    assert_ne!(tag(&case.get(&path).send().await), newest);
}

#[tokio::test]
async fn quotas_and_federations_have_tags_too() {
    let case = Case::new().await;
    let template = case.template("small", "kubernetes").await;
    let host = case.complete_cluster("prod", &template).await;
    let admin = |method: &str, path: &str| case.call(method, path).token("admin").latest();
    let quota = json!({"project_id": "p", "resource": "Cluster", "hard_limit": 5});
    admin("POST", "/v1/quotas").json(&quota).send().await.is(201);
    let body =
        json!({"name": "f", "hostcluster_id": host, "member_ids": [], "properties": {"dns-zone": "example.org"}});
    let federation = case.post("/v1/federations", &body).send().await.is(202).uuid();
    let path = format!("/v1/federations/{federation}");
    for (path, patch) in [
        ("/v1/quotas/p/Cluster", json!({"hard_limit": 6})),
        (path.as_str(), json!([{"op": "add", "path": "/properties/x", "value": "y"}])),
    ] {
        let before = tag(&admin("GET", path).send().await.is(200));
        admin("PATCH", path).json(&patch).header("if-match", "\"0-1.1\"").send().await.is(412);
        admin("PATCH", path).json(&patch).header("if-match", &before).send().await.is(202);
        admin("DELETE", path).header("if-match", &before).send().await.is(412);
        let after = tag(&admin("GET", path).send().await.is(200));
        admin("DELETE", path).header("if-match", &after).send().await.is(204);
    }
}

#[tokio::test]
async fn a_stale_tag_changes_nothing_on_any_writing_route() {
    let case = Case::new().await;
    let template = case.template("small", "kubernetes").await;
    let cluster = case.complete_cluster("prod", &template).await;
    let unused = case.template("unused", "kubernetes").await;
    let size = json!({"node_count": 3});
    let count = json!([{"op": "replace", "path": "/node_count", "value": 3}]);
    let name = json!([{"op": "replace", "path": "/name", "value": "other"}]);
    let (cluster, unused) = (format!("/v1/clusters/{cluster}"), format!("/v1/clustertemplates/{unused}"));
    let before = (case.get(&cluster).send().await.body, case.get(&unused).send().await.body);
    let stale = "\"0000000000000000-1.14\"";
    let writes = || {
        [
            case.patch(&cluster, &count),
            case.post(&format!("{cluster}/actions/resize"), &size),
            case.delete(&cluster),
            case.patch(&unused, &name),
            case.delete(&unused),
        ]
    };
    for write in writes() {
        let refused = write.header("if-match", stale).send().await.is(412);
        assert_eq!(refused.body["errors"][0]["reason"], "precondition_failed");
        assert!(refused.body["error_message"].as_str().unwrap().contains("faultstring"));
    }
    for write in writes() {
        write.header("if-none-match", "*").send().await.is(412);
    }
    // What has no tag has no state that a client could name.
    case.post("/v1/clusters", &json!({})).header("if-match", stale).send().await.is(412);
    let after = (case.get(&cluster).send().await.body, case.get(&unused).send().await.body);
    assert_eq!(after, before);
}

#[tokio::test]
async fn a_stale_tag_refuses_also_what_would_change_nothing() {
    let case = Case::new().await;
    let template = case.template("small", "kubernetes").await;
    let cluster = case.living_cluster("prod", &template).await;
    let properties = json!({"dns-zone": "example.org"});
    let body = json!({"name": "f", "hostcluster_id": cluster, "properties": properties});
    case.post("/v1/federations", &body).send().await.is(202);
    let same =
        |name: &str, value: serde_json::Value| json!([{"op": "replace", "path": format!("/{name}"), "value": value}]);
    let (of_cluster, of_template) = (format!("/v1/clusters/{cluster}"), format!("/v1/clustertemplates/{template}"));
    let of_group = format!("{of_cluster}/nodegroups/default-worker");
    for (path, patch, status) in [
        (of_cluster.as_str(), json!([]), 202),
        (&of_cluster, same("node_count", json!(2)), 202),
        (&of_template, json!([]), 200),
        (&of_template, same("name", json!("small")), 200),
        ("/v1/federations/f", json!([]), 202),
        (&of_group, json!([]), 202),
        (&of_group, same("min_node_count", json!(0)), 202),
    ] {
        let before = case.get(path).send().await.is(200);
        let refused = case.patch(path, &patch).header("if-match", "\"0000000000000000-1.14\"").send().await.is(412);
        assert_eq!(refused.body["errors"][0]["reason"], "precondition_failed", "{path} {patch}");
        case.patch(path, &patch).header("if-none-match", "*").send().await.is(412);
        assert_eq!(case.get(path).send().await.body, before.body, "{path} {patch}");
        case.patch(path, &patch).header("if-match", &tag(&before)).send().await.is(status);
    }
    // Invalid input is reported first.
    let wrong = same("nope", json!(1));
    case.patch(&of_template, &wrong).header("if-match", "\"0000000000000000-1.14\"").send().await.is(400);
}

#[tokio::test]
async fn a_fresh_tag_or_a_star_lets_a_write_through() {
    let case = Case::new().await;
    let template = case.template("small", "kubernetes").await;
    let cluster = case.complete_cluster("prod", &template).await;
    let path = format!("/v1/clusters/{cluster}");
    let resize = format!("{path}/actions/resize");
    let fresh = tag(&case.get(&path).send().await);
    // As a list, and from a client that read it in an older microversion.
    let listed = format!("\"other\", {}", fresh.replace("1.14", "1.1"));
    case.post(&resize, &json!({"node_count": 3})).header("if-match", &listed).send().await.is(202);
    case.post(&resize, &json!({"node_count": 4})).header("if-match", &fresh).send().await.is(412);
    case.post(&resize, &json!({"node_count": 4})).header("if-match", "*").send().await.is(202);
    case.delete("/v1/clusters/none").header("if-match", &fresh).send().await.is(404);

    let path = format!("/v1/clustertemplates/{}", case.template("unused", "kubernetes").await);
    let patch = json!([{"op": "replace", "path": "/name", "value": "other"}]);
    let fresh = tag(&case.get(&path).send().await);
    let changed = case.patch(&path, &patch).header("if-match", &fresh).send().await.is(200);
    assert_eq!(tag(&changed), tag(&case.get(&path).send().await));
    case.delete(&path).header("if-match", &tag(&changed)).send().await.is(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_clients_that_read_the_same_one_writes() {
    let case = Case::new().await;
    let template = case.template("small", "kubernetes").await;
    let path = format!("/v1/clusters/{}", case.complete_cluster("prod", &template).await);
    let fresh = tag(&case.get(&path).send().await);
    let resize = |count: u32| {
        let path = format!("{path}/actions/resize");
        case.post(&path, &json!({"node_count": count})).header("if-match", &fresh).send()
    };
    let (one, two) = tokio::join!(resize(3), resize(4));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [202, 412]);
}

#[tokio::test]
async fn a_list_of_templates_that_is_kept_is_never_old() {
    let case = Case::new().await;
    let names = async |token: &str| {
        let list = case.call("GET", "/v1/clustertemplates").token(token).latest().send().await.is(200);
        let names = list.body["clustertemplates"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap());
        names.map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    assert!(names("member").await.is_empty());
    let path = format!("/v1/clustertemplates/{}", case.template("one", "swarm").await);
    for _ in 0..2 {
        assert_eq!(names("member").await, ["one"]);
        assert!(names("other").await.is_empty(), "another project's list is another one");
    }
    let patch = json!([{"op": "replace", "path": "/name", "value": "two"}]);
    case.patch(&path, &patch).send().await.is(200);
    assert_eq!(names("member").await, ["two"]);
    case.delete(&path).send().await.is(204);
    assert!(names("member").await.is_empty());
}
