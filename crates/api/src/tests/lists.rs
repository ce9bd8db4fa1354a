//! Lists, pages, and lookups by id and name.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Answer, Case};

const BASE: &str = "http://api.example:9511";

async fn get(case: &Case, path: &str) -> Answer {
    case.call("GET", path).token("member").version(10).send().await
}

fn names(list: &Value, key: &str) -> Vec<String> {
    list[key].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

/// Three clusters and templates of the project p.
async fn case() -> Case {
    let case = Case::new().await;
    for name in ["b", "c", "a"] {
        case.template(name, "kubernetes").await;
    }
    for name in ["b", "c", "a"] {
        case.cluster(name, "b").await;
    }
    case
}

const COLLECTIONS: [(&str, &str); 8] = [
    ("/v1/clusters", "clusters"),
    ("/v1/clusters/detail", "clusters"),
    ("/v1/clustertemplates", "clustertemplates"),
    ("/v1/clustertemplates/detail", "clustertemplates"),
    ("/v1/bays", "bays"),
    ("/v1/bays/detail", "bays"),
    ("/v1/baymodels", "baymodels"),
    ("/v1/baymodels/detail", "baymodels"),
];

// Covers: R120, R121, R122, R131, W009.
#[tokio::test]
async fn pages_follow_each_other_to_an_empty_one() {
    let case = case().await;
    for (path, key) in COLLECTIONS {
        let all = get(&case, path).await.is(200).body;
        assert_eq!(names(&all, key), ["b", "c", "a"], "in order of creation");
        assert!(all.get("next").is_none(), "{path}");
        let mut next = Some(format!("{path}?limit=1"));
        let mut seen = Vec::new();
        let mut pages = 0;
        while let Some(url) = next {
            let page = get(&case, url.strip_prefix(BASE).unwrap_or(&url)).await.is(200).body;
            pages += 1;
            seen.extend(names(&page, key));
            next = page.get("next").map(|next| next.as_str().unwrap().to_owned());
            if let Some(next) = &next {
                let last = &page[key][0]["uuid"].as_str().unwrap();
                assert_eq!(*next, format!("{BASE}{path}?sort_key=id&sort_dir=asc&limit=1&marker={last}"));
            }
        }
        assert_eq!((seen.as_slice(), pages), (["b", "c", "a"].map(String::from).as_slice(), 4), "{path}");
    }
}

// Covers: R124, R125, R126, W009.
#[tokio::test]
async fn limits_and_markers_are_checked() {
    let case = case().await;
    let foreign = case.call("POST", "/v1/clustertemplates").token("other").latest();
    let body = json!({"name": "x", "coe": "kubernetes", "image_id": "debian-13"});
    let foreign = foreign.json(&body).send().await.is(201).uuid();
    let body = json!({"name": "x", "cluster_template_id": foreign});
    let call = case.call("POST", "/v1/clusters").token("other").latest();
    let foreign_cluster = call.json(&body).send().await.is(202).uuid();
    for (path, _) in COLLECTIONS {
        get(&case, &format!("{path}?limit=100000")).await.is(200);
        for limit in ["0", "-1", "abc", "1.5", ""] {
            assert_eq!(get(&case, &format!("{path}?limit={limit}")).await.is(400).field(), "limit", "{limit}");
        }
        assert_eq!(get(&case, &format!("{path}?marker=a")).await.is(400).field(), "marker");
        let marker = if path.contains("template") || path.contains("model") { &foreign } else { &foreign_cluster };
        get(&case, &format!("{path}?marker={marker}")).await.is(404);
        get(&case, &format!("{path}?marker={}", uuid::Uuid::new_v4())).await.is(404);
    }
}

// Covers: R127, R128, R129, R130, W010.
#[tokio::test]
async fn lists_are_sorted_by_any_stored_field() {
    let case = case().await;
    for (path, key) in COLLECTIONS {
        let sorted = |query: &'static str| {
            let url = format!("{path}?{query}");
            let call = case.call("GET", &url).token("member").version(10);
            async move { names(&call.send().await.is(200).body, key) }
        };
        assert_eq!(sorted("sort_dir=desc").await, ["a", "c", "b"], "{path}");
        assert_eq!(sorted("sort_key=name&sort_dir=desc").await, ["c", "b", "a"]);
        assert_eq!(sorted("sort_key=name").await, ["a", "b", "c"]);
        assert_eq!(sorted("sort_key=").await, ["b", "c", "a"]);
        for bad in ["sort_dir=up", "sort_key=nope", "sort_key=links", "sort_key=labels_added"] {
            get(&case, &format!("{path}?{bad}")).await.is(400);
        }
    }
    assert_eq!(names(&get(&case, "/v1/clusters?sort_key=status").await.is(200).body, "clusters"), ["b", "c", "a"]);
    // One handle under both names.
    for key in ["stack_id", "cluster_id"] {
        for path in ["/v1/clusters", "/v1/clusters/detail"] {
            let listed = case.get(&format!("{path}?sort_key={key}&limit=2")).send().await.is(200).body;
            assert_eq!(names(&listed, "clusters"), ["b", "c"], "{path} {key}");
            assert!(listed["next"].as_str().unwrap().contains(&format!("sort_key={key}")));
        }
    }
    for derived in ["node_count", "master_count", "node_addresses", "master_addresses", "cluster_template"] {
        get(&case, &format!("/v1/clusters?sort_key={derived}")).await.is(400);
        get(&case, &format!("/v1/bays?sort_key={derived}")).await.is(400);
    }
}

// Covers: W011.
#[tokio::test]
async fn an_item_has_no_detail() {
    let case = case().await;
    for collection in ["clusters", "clustertemplates", "bays", "baymodels"] {
        get(&case, &format!("/v1/{collection}/detail")).await.is(200);
        get(&case, &format!("/v1/{collection}/a/detail")).await.is(404);
    }
    for collection in ["pods", "services", "rcs", "containers"] {
        get(&case, &format!("/v1/{collection}/a/detail")).await.is(404);
    }
}

// Covers: R009, R019, R032, R062, R071.
#[tokio::test]
async fn things_are_found_by_id_and_by_name() {
    let case = case().await;
    for collection in ["clusters", "clustertemplates", "bays", "baymodels", "clusters/a/nodegroups"] {
        let name = if collection.ends_with("nodegroups") { "default-worker" } else { "a" };
        let by_name = get(&case, &format!("/v1/{collection}/{name}")).await.is(200).body;
        let uuid = by_name["uuid"].as_str().unwrap();
        assert_eq!(get(&case, &format!("/v1/{collection}/{uuid}")).await.is(200).body, by_name, "{collection}");
        get(&case, &format!("/v1/{collection}/nope")).await.is(404);
        get(&case, &format!("/v1/{collection}/{}", uuid::Uuid::new_v4())).await.is(404);
    }
}

// Covers: R134, R135, W014.
#[tokio::test]
async fn a_name_that_two_have_fits_none() {
    let case = case().await;
    case.template("a", "kubernetes").await;
    case.cluster("a", "b").await;
    for (method, path) in [
        ("GET", "/v1/clusters/a"),
        ("PATCH", "/v1/clusters/a"),
        ("DELETE", "/v1/clusters/a"),
        ("GET", "/v1/clustertemplates/a"),
        ("PATCH", "/v1/clustertemplates/a"),
        ("DELETE", "/v1/clustertemplates/a"),
        ("GET", "/v1/bays/a"),
        ("DELETE", "/v1/bays/a"),
        ("GET", "/v1/baymodels/a"),
        ("DELETE", "/v1/baymodels/a"),
    ] {
        let call = case.call(method, path).token("member").version(10);
        let call = if method == "PATCH" { call.json(&json!([])) } else { call };
        let answer = call.send().await.is(409);
        assert_eq!(answer.body["errors"][0]["reason"], "ambiguous_name", "{method} {path}");
        assert!(answer.body["errors"][0]["detail"].as_str().unwrap().contains("uuid"));
    }
    case.post("/v1/clusters", &json!({"cluster_template_id": "a"})).send().await.is(409);
}

// Covers: R136, R328, W015, W017.
#[tokio::test]
async fn another_project_finds_nothing_by_name_or_id() {
    let case = case().await;
    case.succeed_all().await;
    case.living_cluster("alive", "b").await;
    let foreign = |method: &'static str, path: String, body: Option<Value>| {
        let call = case.call(method, &path).token("other").version(10);
        let call = if let Some(body) = body { call.json(&body) } else { call };
        call.send()
    };
    for (path, key) in COLLECTIONS {
        assert_eq!(names(&foreign("GET", path.to_owned(), None).await.is(200).body, key), [""; 0], "{path}");
    }
    let cluster = get(&case, "/v1/clusters/alive").await.body["uuid"].as_str().unwrap().to_owned();
    let template = get(&case, "/v1/clustertemplates/a").await.body["uuid"].as_str().unwrap().to_owned();
    let before = get(&case, "/v1/clusters/alive").await.body;
    for ident in ["alive", &cluster] {
        for collection in ["clusters", "bays"] {
            let path = format!("/v1/{collection}/{ident}");
            foreign("GET", path.clone(), None).await.is(404);
            let patch = json!([{"op": "replace", "path": "/node_count", "value": 3}]);
            foreign("PATCH", path.clone(), Some(patch)).await.is(404);
            foreign("DELETE", path, None).await.is(404);
        }
        let path = format!("/v1/clusters/{ident}");
        foreign("POST", format!("{path}/actions/resize"), Some(json!({"node_count": 3}))).await.is(404);
        foreign("POST", format!("{path}/actions/upgrade"), Some(json!({"cluster_template": "x"}))).await.is(404);
        foreign("GET", format!("{path}/nodegroups"), None).await.is(404);
        foreign("POST", format!("{path}/nodegroups"), Some(json!({"name": "x"}))).await.is(404);
        foreign("GET", format!("{path}/nodegroups/default-worker"), None).await.is(404);
        foreign("PATCH", format!("{path}/nodegroups/default-worker"), Some(json!([]))).await.is(404);
        foreign("DELETE", format!("{path}/nodegroups/default-worker"), None).await.is(404);
    }
    for ident in ["a", &template] {
        for collection in ["clustertemplates", "baymodels"] {
            let path = format!("/v1/{collection}/{ident}");
            foreign("GET", path.clone(), None).await.is(404);
            foreign("PATCH", path.clone(), Some(json!([{"op": "replace", "path": "/name", "value": "x"}])))
                .await
                .is(404);
            foreign("DELETE", path, None).await.is(404);
        }
        foreign("POST", "/v1/clusters".to_owned(), Some(json!({"cluster_template_id": ident}))).await.is(404);
    }
    assert_eq!(get(&case, "/v1/clusters/alive").await.body, before);
}

// Covers: R004, W003.
#[tokio::test]
async fn the_prefix_may_be_left_out() {
    let case = case().await;
    for (path, _) in COLLECTIONS {
        let short = path.strip_prefix("/v1").unwrap();
        assert_eq!(get(&case, short).await.is(200).body, get(&case, path).await.is(200).body, "{path}");
    }
}

// Covers: R333, R334.
#[tokio::test]
async fn admins_see_and_change_the_things_of_all_projects() {
    let case = case().await;
    case.succeed_all().await;
    case.living_cluster("alive", "b").await;
    let admin = |method: &'static str, path: &'static str, body: Option<Value>| {
        let call = case.call(method, path).token("admin").version(10);
        let call = if let Some(body) = body { call.json(&body) } else { call };
        call.send()
    };
    for (path, key) in COLLECTIONS {
        let seen: BTreeSet<String> = names(&admin("GET", path, None).await.is(200).body, key).into_iter().collect();
        assert!(seen.is_superset(&["a", "b", "c"].map(String::from).into()), "{path}");
    }
    admin("GET", "/v1/clusters/alive", None).await.is(200);
    admin("POST", "/v1/clusters/alive/actions/upgrade", Some(json!({"cluster_template": "a"}))).await.is(202);
    case.succeed_all().await;
    let patch = json!([{"op": "replace", "path": "/node_count", "value": 3}]);
    admin("PATCH", "/v1/clusters/alive", Some(patch)).await.is(202);
    admin("DELETE", "/v1/clusters/alive", None).await.is(204);
}
