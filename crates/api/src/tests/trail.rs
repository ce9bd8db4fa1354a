//! What log lines of requests carry.

use std::sync::Arc;

use jeroboam_types::log::is_harmless;
use jeroboam_types::v1::{Evidence, EvidenceKind};
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::Case;

/// Records what this thread logs.
struct Log {
    file: NamedTempFile,
    _guard: DefaultGuard,
}

impl Log {
    fn begin(level: LevelFilter) -> Self {
        let file = NamedTempFile::new().unwrap();
        let writer = Arc::new(file.reopen().unwrap());
        let lines = tracing_subscriber::fmt().json().with_max_level(level).with_writer(writer).finish();
        Self { file, _guard: lines.with(filter_fn(is_harmless)).set_default() }
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.file.path()).unwrap()
    }

    /// The fields of the line with this message.
    fn span_of(&self, message: &str) -> Value {
        let lines: Vec<Value> = self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let line = lines.iter().rev().find(|line| line["fields"]["message"] == message);
        line.unwrap_or_else(|| panic!("{lines:#?}"))["span"].clone()
    }
}

fn evidence() -> Evidence {
    let message = "The mark of a server has the number 1000.".to_owned();
    Evidence { kind: EvidenceKind::Number, message, number: Some(1000), instance: None, url: None }
}

#[tokio::test]
async fn a_line_within_a_handler_names_request_project_and_cluster() {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    let cluster = case.complete_cluster("c", "t").await;
    case.store.hold(&[evidence()]).await.unwrap();
    let log = Log::begin(LevelFilter::INFO);
    let refused = case.delete("/v1/clusters/c").send().await.is(409);
    assert_eq!(
        log.span_of("refused: the deployment is held"),
        json!({"name": "request", "id": refused.headers["x-openstack-request-id"].to_str().unwrap(),
            "method": "DELETE", "path": "/v1/clusters/c", "project": "p", "cluster": cluster})
    );
}

#[tokio::test]
async fn the_line_at_the_end_names_the_operation_too() {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    let log = Log::begin(LevelFilter::DEBUG);
    let body = json!({"name": "c", "cluster_template_id": "t", "node_count": 1});
    let made = case.post("/v1/clusters", &body).send().await.is(202);
    let span = log.span_of("answered");
    assert_eq!((&span["cluster"], &span["project"]), (&made.body["uuid"], &json!("p")));
    let operation = made.operation();
    assert_eq!(span["operation"], operation.to_string());
    case.get(&format!("/v1/operations/{operation}")).send().await.is(200);
    assert_eq!(log.span_of("answered")["operation"], operation.to_string());
}

#[tokio::test]
async fn every_route_that_is_about_a_cluster_names_it() {
    let case = Case::new().await;
    case.template("k", "kubernetes").await;
    case.template("s", "swarm").await;
    let (kubernetes, swarm) = (case.complete_cluster("c", "k").await, case.complete_cluster("herd", "s").await);
    let log = Log::begin(LevelFilter::DEBUG);
    for (method, path, cluster) in [
        ("GET", "/v1/clusters/c", &kubernetes),
        ("GET", "/v1/clusters/c/topology", &kubernetes),
        ("GET", "/v1/clusters/c/nodegroups", &kubernetes),
        ("POST", "/v1/clusters/c/actions/pause", &kubernetes),
        ("GET", "/v1/certificates/c", &kubernetes),
        ("PATCH", "/v1/credentials/c", &kubernetes),
        ("GET", "/v1/pods?bay_ident=c", &kubernetes),
        ("DELETE", "/v1/rcs/x?bay_ident=c", &kubernetes),
        ("GET", "/v1/containers?bay_ident=herd", &swarm),
    ] {
        case.call(method, path).token("member").latest().send().await;
        assert_eq!(log.span_of("answered")["cluster"], **cluster, "{method} {path}");
    }
}

#[tokio::test]
async fn no_line_has_tokens_queries_or_bodies() {
    let case = Case::new().await;
    case.template("s", "swarm").await;
    case.complete_cluster("herd", "s").await;
    let log = Log::begin(LevelFilter::TRACE);
    let container = json!({"bay_uuid": "herd", "image": "i", "environment": {"TOKEN": "secret-4711"}});
    case.call("POST", "/v1/containers").token("colleague").latest().json(&container).send().await;
    let command = "/v1/containers/x/execute?bay_ident=herd&command=secret-4711";
    case.call("PUT", command).token("colleague").latest().send().await;
    case.call("GET", "/v1/clusters").token("secret-4711").latest().send().await.is(401);
    let said = log.text();
    assert_eq!(log.span_of("answered")["path"], "/v1/clusters");
    assert!(!said.contains("4711") && !said.contains("colleague"), "{said}");
}
