//! The format of requests, on any route.

use serde_json::{Value, json};

use super::Case;

const TEMPLATES: &str = "/v1/clustertemplates";

fn template() -> Value {
    json!({"name": "t", "coe": "kubernetes", "image_id": "debian-13", "keypair_id": "k"})
}

// Covers: R005.
#[tokio::test]
async fn options_are_answered_without_a_word() {
    let case = Case::new().await;
    for path in ["/", "/healthcheck", "/v1", "/v1/clusters", "/v1/clusters/x", "/v1/clusters/x/nodegroups", "/bays"] {
        let answer = case.call("OPTIONS", path).send().await.is(200);
        assert_eq!(answer.body, Value::String(String::new()), "{path}");
    }
}

// Covers: R096, R097, R098, R254.
#[tokio::test]
async fn what_is_no_route_says_so() {
    let case = Case::new().await;
    for path in ["/v1/nope", "/nope", "/v1/clusters/x/y", "/v1/clusters/x/y/z"] {
        let answer = case.call("GET", path).token("member").send().await.is(404);
        let error = &answer.body["errors"][0];
        assert_eq!(error["code"], "");
        assert!(!error["title"].as_str().unwrap().is_empty() && !error["detail"].as_str().unwrap().is_empty());
    }
    let answer = case.call("PUT", "/v1/clusters").token("member").send().await.is(405);
    let allow = answer.headers["allow"].to_str().unwrap();
    assert!(allow.contains("GET") && allow.contains("POST"), "{allow}");
    for path in ["/v1/clusters", TEMPLATES, "/v1/bays", "/v1/baymodels"] {
        case.call("DELETE", path).token("member").version(10).send().await.is(400);
    }
    case.template("t", "kubernetes").await;
    case.cluster("c", "t").await;
    for (method, path) in [
        ("GET", "/v1/clusters/c/actions/resize"),
        ("GET", "/v1/clusters/c/actions"),
        ("POST", "/v1/clusters/c/actions/dance"),
    ] {
        let status = case.call(method, path).token("member").latest().send().await.status;
        assert!([404, 405].contains(&status), "{method} {path}: {status}");
    }
}

// Covers: R099, R100.
#[tokio::test]
async fn answers_are_json_and_nothing_else() {
    let case = Case::new().await;
    case.get("/v1/clusters").send().await.is(200);
    for accept in ["", "*/*", "application/json", "text/html, */*;q=0.1"] {
        let answer = case.get("/v1/clusters").header("accept", accept).send().await.is(200);
        assert_eq!(answer.headers["content-type"], "application/json");
    }
    case.get("/v1/clusters").header("accept", "text/html").send().await.is(406);
}

// Covers: R101, R102, R103, R104, R105, R106.
#[tokio::test]
async fn bodies_are_json_of_the_right_shape() {
    let case = Case::new().await;
    let post = |content_type: Option<&'static str>, body: String| {
        let call = case.call("POST", TEMPLATES).token("member").raw(&body);
        let call = if let Some(content_type) = content_type { call.header("content-type", content_type) } else { call };
        call.send()
    };
    for (content_type, body, status) in [
        (Some("text/plain"), template().to_string(), 415),
        (Some("application/json-patch+json"), template().to_string(), 415),
        (Some("application/json; charset=utf-8"), template().to_string(), 201),
        (None, template().to_string(), 201),
        (None, "{\"name\": ".to_owned(), 400),
        (Some("application/json"), String::new(), 400),
        (None, "[]".to_owned(), 400),
        (None, "null".to_owned(), 400),
        (None, "\"text\"".to_owned(), 400),
    ] {
        let answer = post(content_type, body.clone()).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.body);
    }
    let uuid = case.template("u", "kubernetes").await;
    let call = case.delete(&format!("{TEMPLATES}/{uuid}"));
    call.header("content-type", "application/octet-stream").header("accept", "*/*").send().await.is(204);
}

// Covers: R107, R108, R114, W023, W024.
#[tokio::test]
async fn attributes_are_known_writable_and_of_their_length() {
    let case = Case::new().await;
    let refused = |path: &'static str, name: &'static str, value: Value| {
        let mut body = if path == TEMPLATES { template() } else { json!({"cluster_template_id": "t"}) };
        body[name] = value;
        let call = case.post(path, &body);
        async move {
            assert_eq!(call.send().await.is(400).field(), name);
        }
    };
    case.template("t", "kubernetes").await;
    for path in [TEMPLATES, "/v1/clusters"] {
        refused(path, "nope", json!("x")).await;
        for read_only in ["links", "created_at", "updated_at", "project_id", "user_id"] {
            refused(path, read_only, json!("x")).await;
            refused(path, read_only, Value::Null).await;
        }
        refused(path, "flavor_id", json!("x".repeat(256))).await;
        refused(path, "flavor_id", json!("")).await;
        refused(path, "name", json!("")).await;
        refused(path, "fixed_network", json!(5)).await;
    }
    refused(TEMPLATES, "name", json!("x".repeat(256))).await;
    for (path, name) in [("/v1/baymodels", "nope"), ("/v1/bays", "nope"), ("/v1/bays", "created_at")] {
        let body = json!({name: "x", "baymodel_id": "t", "coe": "kubernetes", "image_id": "i", "keypair_id": "k"});
        case.call("POST", path).token("member").json(&body).send().await.is(400);
    }
}

// Covers: R109, R110, W012.
#[tokio::test]
async fn parameters_are_known_and_given_once() {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    case.cluster("c", "t").await;
    for path in [
        "/v1/clusters",
        "/v1/clusters/detail",
        "/v1/clusters/c",
        TEMPLATES,
        "/v1/clustertemplates/t",
        "/v1/bays",
        "/v1/bays/c",
        "/v1/baymodels",
        "/v1/baymodels/detail",
    ] {
        let answer = case.call("GET", &format!("{path}?nope=1")).token("member").send().await.is(400);
        assert_eq!(answer.field(), "nope", "{path}");
    }
    // There are no filters and no selection of fields (contract magnum-v1 section 2.2).
    for name in ["fields=uuid", "all_tenants=True", "status=x"] {
        case.get(&format!("/v1/clusters?{name}")).send().await.is(400);
    }
    case.get("/v1/clusters?limit=1&limit=2").send().await.is(400);
}

// Covers: R111.
#[tokio::test]
async fn a_slash_at_the_end_counts_for_nothing() {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    case.complete_cluster("c", "t").await;
    case.patch("/v1/clusters/c/?rollback=True", &json!([])).send().await.is(202);
    for path in ["/v1/clustertemplates/?limit=1", "/v1/clusters/c/nodegroups/", "/v1/", "/v1/clusters/detail/"] {
        case.get(path).send().await.is(200);
    }
    case.delete("/v1/clusters/c/").send().await.is(204);
}

#[tokio::test]
async fn the_suffix_json_counts_for_nothing() {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    case.cluster("c", "t").await;
    for (path, same) in [
        ("/v1/clusters.json", "/v1/clusters"),
        ("/v1/clusters/c.json", "/v1/clusters/c"),
        ("/clustertemplates/t.json", "/v1/clustertemplates/t"),
        ("/v1/clusters/detail.json?limit=1", "/v1/clusters/detail?limit=1"),
    ] {
        assert_eq!(case.get(path).send().await.is(200).body, case.get(same).send().await.is(200).body, "{path}");
    }
    // But a name may end with it, and no other resource is deleted or changed by it.
    case.delete("/v1/clusters/c.json").send().await.is(404);
    let patch = json!([{"op": "replace", "path": "/name", "value": "other"}]);
    case.patch("/v1/clustertemplates/t.json", &patch).send().await.is(404);
    case.call("POST", "/v1/clustertemplates.json").token("member").json(&template()).send().await.is(201);
}

#[tokio::test]
async fn a_body_of_another_type_is_refused_even_where_none_is_read() {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    let delete = || case.delete("/v1/clustertemplates/t").header("content-type", "application/octet-stream");
    delete().raw("hello").send().await.is(415);
    case.get("/v1/clustertemplates/t").send().await.is(200);
    // What clients of 2015 send: the type without a body.
    delete().send().await.is(204);
}

// Covers: R112, R113, W022.
#[tokio::test]
async fn numbers_and_booleans_may_be_text() {
    let case = Case::new().await;
    // As dashboards send it: every scalar is a string.
    let mut body = template();
    for (name, value) in [
        ("docker_volume_size", "5"),
        ("apiserver_port", "6443"),
        ("floating_ip_enabled", "False"),
        ("registry_enabled", "True"),
        ("master_lb_enabled", "no"),
    ] {
        body[name] = json!(value);
    }
    let made = case.post(TEMPLATES, &body).send().await.is(201).body;
    assert_eq!((&made["docker_volume_size"], &made["apiserver_port"]), (&json!(5), &json!(6443)));
    assert_eq!((&made["floating_ip_enabled"], &made["registry_enabled"]), (&json!(false), &json!(true)));
    let body = json!({"name": "c", "cluster_template_id": "t", "node_count": "2", "master_count": "1",
        "create_timeout": "60", "discovery_url": "", "merge_labels": "False", "docker_volume_size": null});
    case.post("/v1/clusters", &body).send().await.is(202);
    assert_eq!(case.get("/v1/clusters/c").send().await.body["node_count"], 2);
    let body = json!({"name": "b", "baymodel_id": "t", "node_count": "2", "discovery_url": null, "master_count": null});
    assert_eq!(case.call("POST", "/v1/bays").token("member").json(&body).send().await.is(201).body["node_count"], 2);
    for bad in [json!("maybe"), json!(""), json!(2), json!([])] {
        let mut body = template();
        body["registry_enabled"] = bad;
        assert_eq!(case.post(TEMPLATES, &body).send().await.is(400).field(), "registry_enabled");
    }
}

// Covers: R115, R116.
#[tokio::test]
async fn every_answer_has_an_id_and_every_error_one_entry() {
    let case = Case::new().await;
    let mut ids = Vec::new();
    for (path, status) in [("/v1/clusters", 200), ("/v1/clusters/nope", 404), ("/v1/clusters?limit=x", 400)] {
        let answer = case.get(path).send().await.is(status);
        let id = answer.headers["x-openstack-request-id"].to_str().unwrap().to_owned();
        assert!(id.strip_prefix("req-").unwrap().parse::<uuid::Uuid>().is_ok(), "{id}");
        if status != 200 {
            let errors = answer.body["errors"].as_array().unwrap();
            let error = &errors[0];
            assert_eq!((errors.len(), error["status"].as_u64()), (1, Some(status.into())));
            let (title, detail) = (error["title"].as_str().unwrap(), error["detail"].as_str().unwrap());
            assert!(!title.is_empty() && detail.starts_with(title), "{title} - {detail}");
            assert_eq!(error["links"], json!([]));
            assert_eq!(error["request_id"], id.as_str());
            assert_eq!(answer.headers["content-type"], "application/json");
        }
        ids.push(id);
    }
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

// Covers: R117.
#[tokio::test]
async fn what_went_wrong_inside_is_not_told() {
    let case = Case::new().await;
    for (token, status) in [("panic", 500), ("unavailable", 503)] {
        let answer = case.call("GET", "/v1/clusters").token(token).send().await.is(status);
        let text = answer.body.to_string();
        for secret in ["secret", "SELECT", "panicked", ".rs:"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

// Covers: R118, R119.
#[tokio::test]
async fn times_have_an_offset_and_labels_are_texts() {
    let case = Case::new().await;
    let mut body = template();
    body["labels"] = json!({"use_podman": true, "etcd_tag": 1.5, "coredns_tag": 3, "flannel_tag": null});
    case.post(TEMPLATES, &body).send().await.is(201);
    let template = case.get("/v1/clustertemplates/t").send().await.is(200).body;
    assert_eq!(template["labels"], json!({"use_podman": "True", "etcd_tag": "1.5", "coredns_tag": "3"}));
    assert!(template["updated_at"].is_null());
    case.cluster("c", "t").await;
    let cluster = case.get("/v1/clusters/c").send().await.is(200).body;
    for thing in [&template, &cluster] {
        let created = thing["created_at"].as_str().unwrap();
        assert!(created.ends_with("+00:00") && created.parse::<jiff::Timestamp>().is_ok(), "{created}");
    }
    assert!(cluster["updated_at"].is_null());
    let change = json!([{"op": "replace", "path": "/name", "value": "u"}]);
    let changed = case.patch("/v1/clustertemplates/t", &change).send().await.is(200).body;
    let updated = changed["updated_at"].as_str().unwrap();
    assert!(updated.ends_with("+00:00") && updated > changed["created_at"].as_str().unwrap(), "{updated}");
}

// Covers: R137.
#[tokio::test]
async fn links_follow_the_host_and_no_header_of_a_proxy() {
    let case = Case::new().await;
    let uuid = case.template("t", "kubernetes").await;
    let answer = case
        .get("/v1/clustertemplates/t")
        .header("x-forwarded-proto", "https")
        .header("x-forwarded-host", "evil.example")
        .header("forwarded", "host=evil.example;proto=https")
        .send()
        .await
        .is(200);
    assert_eq!(
        answer.body["links"],
        json!([
            {"rel": "self", "href": format!("http://api.example:9511/v1/clustertemplates/{uuid}")},
            {"rel": "bookmark", "href": format!("http://api.example:9511/clustertemplates/{uuid}")},
        ])
    );
}

#[tokio::test]
async fn a_refusal_does_not_send_back_what_was_sent() {
    let case = Case::new().await;
    let long = "é".repeat(400_000);
    for (path, body) in [
        ("/v1/clusters", json!({"cluster_template_id": "t", "node_count": long})),
        ("/v1/clustertemplates", json!({"coe": "kubernetes", "image_id": "x", "public": long})),
    ] {
        let answer = case.post(path, &body).send().await;
        let (status, length) = (answer.status, answer.body.to_string().len());
        assert!((400..500).contains(&status) && length < 20_000, "{path}: {status}, {length} bytes");
        let detail = answer.body["errors"][0]["detail"].as_str().unwrap();
        assert!(detail.contains('…') && detail.ends_with(|last: char| last != 'é'), "{path}: {detail}");
    }
}

#[tokio::test]
async fn the_character_that_ends_texts_elsewhere_goes_nowhere() {
    let case = Case::new().await;
    for path in ["/v1/clusters/a%00", "/v1/clusters?sort_key=%00", "/v1/clusters?sort_key=%ff"] {
        case.get(path).send().await.is(400);
    }
    for name in ["name", "http_proxy", "dns_nameserver"] {
        let mut body = template();
        body[name] = json!("a\0b");
        case.post(TEMPLATES, &body).send().await.is(400);
    }
    assert_eq!(case.get(TEMPLATES).send().await.is(200).body["clustertemplates"], json!([]));
}
