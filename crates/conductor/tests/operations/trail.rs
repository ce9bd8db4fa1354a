//! Fields of the log lines of a running operation.

use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::NamedTempFile;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::world::{PROJECT, World, quick};

#[tokio::test]
async fn lines_name_operation_cluster_and_project() {
    let file = NamedTempFile::new().unwrap();
    let writer = Arc::new(file.reopen().unwrap());
    let _log =
        tracing_subscriber::fmt().json().with_env_filter("jeroboam=debug").with_writer(writer).finish().set_default();
    let world = World::new(quick()).await;
    world.conductor("one");
    let (cluster, create) = world.create("c", 1, 1).await;
    world.success_of(create.uuid).await;

    let lines = std::fs::read_to_string(file.path()).unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let span = json!({"name": "operation", "operation": create.uuid, "kind": "create", "cluster": cluster,
        "project": PROJECT});
    for message in ["taken", "step begins", "succeeded"] {
        let said: Vec<&Value> = lines.iter().filter(|line| line["fields"]["message"] == message).collect();
        assert!(!said.is_empty() && said.iter().all(|line| line["span"] == span), "{message}: {said:#?}");
    }
}
