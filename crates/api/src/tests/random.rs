//! Random bodies, patches, queries and headers for every route in the OpenAPI document: no 5xx except 501, every error
//! in the error format, and refused requests change nothing.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;

use super::{Answer, Case};
use crate::openapi;

/// Requests of each kind: they take a few seconds.
const REQUESTS: u32 = 400;

/// Accepted writes after which the fixture is recreated, before a quota is reached.
const MOST_WRITES: u32 = 12;

/// A route and the names of its inputs.
#[derive(Debug, Clone)]
struct Target {
    method: String,
    path: String,
    /// Names of attributes of the body, if there is one.
    attributes: Vec<String>,
    takes_patch: bool,
    /// Names of parameters in the query.
    parameters: Vec<String>,
}

/// All routes of the document.
fn targets() -> Vec<Target> {
    let document = serde_json::to_value(openapi()).unwrap();
    let names = |schema: &str| -> Vec<String> {
        let properties = &document["components"]["schemas"][schema]["properties"];
        properties.as_object().unwrap().keys().cloned().collect()
    };
    let patched: Vec<String> = ["ClusterTemplate", "Cluster", "NodeGroup"].into_iter().flat_map(names).collect();
    let mut targets = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap().iter().filter(|(method, _)| *method != "parameters") {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let takes_patch = schema["type"] == "array";
            let named = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next());
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let in_query = parameters.iter().filter(|parameter| parameter["in"] == "query");
            targets.push(Target {
                method: method.to_uppercase(),
                path: path.clone(),
                attributes: if takes_patch { patched.clone() } else { named.map(names).unwrap_or_default() },
                takes_patch,
                parameters: in_query.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect(),
            });
        }
    }
    targets
}

impl Target {
    /// The path with the fixture's ids and names.
    fn filled(&self) -> String {
        let thing = if self.path.contains("template") || self.path.contains("baymodel") { "t" } else { "c" };
        let fill =
            [("{group}", "default-worker"), ("{project_id}", "p"), ("{resource}", "Cluster"), ("{name}", "kube_tag")];
        fill.iter().fold(self.path.replace("{ident}", thing), |path, (name, value)| path.replace(name, value))
    }
}

/// Strings that are meaningful for some attribute, and strings that are never meaningful.
fn text() -> impl Strategy<Value = String> {
    let known = select(vec![
        "",
        "0",
        "1",
        "3",
        "-1",
        "1.5",
        "true",
        "False",
        "None",
        "null",
        "c",
        "t",
        "default-worker",
        "worker",
        "master",
        "kubernetes",
        "swarm",
        "debian-13",
        "m1.small",
        "flannel",
        "vm",
        "{'min_node_count': '1'}",
        "{'a': {'b': 'c'}}",
        "[{'key': 'a', 'effect': 'NoSchedule'}]",
        "{",
        "HEALTHY",
        "Cluster",
        "00000000-0000-0000-0000-000000000000",
        "8.8.8.8,1.1.1.1",
        "10.0.0.0/8",
        "http://proxy:3128",
        "min_node_count",
        "asc",
        "id",
        "name",
        "../..",
        "\u{0}",
        "'; DROP TABLE cluster; --",
        "\u{202e}\u{1f980}",
        "%s%n",
        "-----BEGIN CERTIFICATE REQUEST-----",
    ]);
    prop_oneof![6 => known.prop_map(str::to_owned), 1 => ".{0,20}", 1 => Just("x".repeat(300)), 1 => "\\PC{0,8}"]
}

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => (-2..12_i64).prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<u64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(|number| json!(number)),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        2 => Just(Value::Null),
        2 => any::<bool>().prop_map(Value::Bool),
        4 => number(),
        6 => text().prop_map(Value::String),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let object =
            vec((text(), inner.clone()), 0..4).prop_map(|entries| Value::Object(entries.into_iter().collect()));
        prop_oneof![vec(inner, 0..4).prop_map(Value::Array), object]
    })
}

/// A string that is mostly one of `names`.
fn name_of(names: Vec<String>) -> BoxedStrategy<String> {
    if names.is_empty() { text().boxed() } else { prop_oneof![9 => select(names), 1 => text()].boxed() }
}

fn object(names: Vec<String>) -> BoxedStrategy<Value> {
    // Sometimes all required attributes, so that a request gets beyond its first check.
    let needed = json!({"coe": "kubernetes", "image_id": "debian-13", "cluster_template_id": "t", "baymodel_id": "t",
        "name": "x", "node_count": 1, "keypair_id": "k", "max_batch_size": 1, "cluster_template": "t"});
    let known = names.clone();
    let base = any::<bool>().prop_map(move |is_based| {
        let Value::Object(mut map) = needed.clone() else { return Map::new() };
        map.retain(|name, _| is_based && known.contains(name));
        map
    });
    let entries = vec((name_of(names), value()), 0..4);
    (base, entries)
        .prop_map(|(mut map, entries)| {
            map.extend(entries);
            Value::Object(map)
        })
        .boxed()
}

fn patch(names: Vec<String>) -> BoxedStrategy<Value> {
    let paths = prop_oneof![
        6 => name_of(names).prop_map(|name| format!("/{name}")),
        2 => select(vec!["/labels/min_node_count", "/labels/kube_tag", "/labels/x", "/node_labels/x", "/node_taints/0"])
            .prop_map(str::to_owned),
        1 => text(),
    ];
    let ops = prop_oneof![9 => select(vec!["add", "replace", "remove"]).prop_map(str::to_owned), 1 => text()];
    let operation = (ops, paths, value()).prop_map(|(op, path, value)| match value {
        Value::Null => json!({"op": op, "path": path}),
        value => json!({"op": op, "path": path, "value": value}),
    });
    vec(operation, 0..4).prop_map(Value::Array).boxed()
}

/// The fixture of a test.
struct Fixture {
    case: Case,
    /// Accepted writes since it was created.
    writes: u32,
    /// Accepted requests of the whole test.
    accepted: u32,
    state: String,
}

impl Fixture {
    async fn new() -> Self {
        let case = Case::new().await;
        case.template("t", "kubernetes").await;
        case.complete_cluster("c", "t").await;
        let state = state(&case).await;
        Self { case, writes: 0, accepted: 0, state }
    }

    /// Checks a response: whether it is allowed, and whether the state changed accordingly.
    async fn check(&mut self, answer: Answer, is_write: bool) -> Result<(), TestCaseError> {
        let Answer { status, body, .. } = answer;
        prop_assert!(status < 500 || status == 501, "{status} {body}");
        if status >= 400 {
            let error = &body["errors"][0];
            prop_assert_eq!(&error["status"], &json!(status), "{}", body);
            prop_assert!(
                error["reason"].is_string() && error["title"].as_str().is_some_and(|t| !t.is_empty()),
                "{}",
                body
            );
        }
        let now = state(&self.case).await;
        self.accepted += u32::from(status < 400);
        if status >= 400 || !is_write {
            prop_assert_eq!(&now, &self.state, "changed by a request with the status {}: {}", status, body);
            return Ok(());
        }
        self.writes += 1;
        if self.writes > MOST_WRITES {
            *self = Self { accepted: self.accepted, ..Self::new().await };
            return Ok(());
        }
        self.case.end_all().await;
        self.state = state(&self.case).await;
        Ok(())
    }
}

/// The state that clients can see.
async fn state(case: &Case) -> String {
    let mut text = String::new();
    for path in [
        "/v1/clustertemplates/detail",
        "/v1/clusters/detail",
        "/v1/clusters/c/nodegroups",
        "/v1/operations",
        "/v1/quotas?all_tenants=True",
        "/v1/federations",
    ] {
        text += &case.call("GET", path).token("admin").latest().send().await.body.to_string();
    }
    // Every error has an id of its own.
    text.split("req-").map(|part| part.get(36..).unwrap_or(part)).collect()
}

fn run<S: Strategy>(strategy: &S, mut test: impl AsyncFnMut(&mut Fixture, S::Value) -> Result<(), TestCaseError>) {
    let runtime = Runtime::new().unwrap();
    let fixture = std::cell::RefCell::new(runtime.block_on(Fixture::new()));
    let test = std::cell::RefCell::new(&mut test);
    let mut runner = TestRunner::new(Config { cases: REQUESTS, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(strategy, |input| runtime.block_on((test.borrow_mut())(&mut fixture.borrow_mut(), input)));
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
    // Input that never gets beyond the first check would test little.
    let accepted = fixture.borrow().accepted;
    assert!(accepted > REQUESTS / 50, "only {accepted} of {REQUESTS} were accepted");
}

#[test]
fn random_bodies_and_patches_never_fail_inside_and_change_nothing_when_refused() {
    let writing: Vec<Target> = targets().into_iter().filter(|target| !target.attributes.is_empty()).collect();
    let requests = select(writing).prop_flat_map(|target| {
        let names = target.attributes.clone();
        let body = if target.takes_patch { patch(names) } else { object(names) };
        (Just(target), prop_oneof![12 => body, 1 => value()])
    });
    run(&requests, async |fixture, (target, body)| {
        let version = if target.path.contains("/bay") { "container-infra 1.10" } else { super::LATEST };
        let call = fixture.case.call(&target.method, &target.filled()).token("admin").json(&body);
        let answer = call.header("openstack-api-version", version).send().await;
        fixture.check(answer, true).await
    });
}

#[test]
fn random_queries_never_fail_inside() {
    let reading: Vec<Target> =
        targets().into_iter().filter(|target| target.method == "GET" && !target.path.ends_with("/events")).collect();
    let requests = select(reading).prop_flat_map(|target| {
        let query = vec((name_of(target.parameters.clone()), text()), 0..3);
        (Just(target), query)
    });
    run(&requests, async |fixture, (target, query)| {
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        let path = format!("{}?{query}", target.filled());
        // The route of the document ignores queries, and the document's examples look like errors.
        let version = if path.contains("/bay") { "container-infra 1.10" } else { super::LATEST };
        let answer =
            fixture.case.call("GET", &path).token("admin").header("openstack-api-version", version).send().await;
        fixture.check(answer, false).await
    });
}

#[test]
fn random_headers_never_fail_inside() {
    let names = select(vec![
        "openstack-api-version",
        "x-openstack-magnum-api-version",
        "accept",
        "content-type",
        "if-match",
        "if-none-match",
        "idempotency-key",
        "x-auth-token",
        "host",
        "x-forwarded-proto",
    ]);
    let values = prop_oneof![
        select(vec![
            "*",
            "\"x\"",
            "W/\"1\"",
            "latest",
            "container-infra 1.99999999999",
            "container-infra -1.5",
            "a b c",
            "application/json;q=0",
            "text/html, */*",
            "\"",
            "member",
            "::",
            "[::1]:80"
        ])
        .prop_map(str::to_owned),
        "[ -~]{0,40}",
    ];
    let headers = vec((names, values), 0..4);
    let requests = (select(vec!["GET", "POST", "PATCH"]), headers);
    run(&requests, async |fixture, (method, headers)| {
        let path = if method == "PATCH" { "/v1/clustertemplates/t" } else { "/v1/clustertemplates" };
        let body = if method == "PATCH" { json!([]) } else { json!({"coe": "kubernetes", "image_id": "debian-13"}) };
        let mut call = fixture.case.call(method, path).raw(&body.to_string());
        if !headers.iter().any(|(name, _)| *name == "x-auth-token") {
            call = call.token("admin");
        }
        let call = headers.iter().fold(call, |call, (name, value)| call.header(name, value));
        let answer = call.send().await;
        fixture.check(answer, method != "GET").await
    });
}
