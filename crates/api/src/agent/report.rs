//! `POST /agent/v1/report`: the observed state of a node.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jeroboam_model::assignment;
use jeroboam_model::{EngineKind, Node, NodeRole};
use jeroboam_store::Scope;
use jeroboam_types::agent::{Report, SwarmTokens};
use jiff::Timestamp;
use secrecy::SecretString;
use tokio::time::Instant;

use super::Endpoint;
use super::caller::Caller;
use super::error::AgentError;

/// Longest accepted join token in bytes; Docker's have 85 characters.
const MAX_TOKEN: usize = 256;

pub(super) async fn report(
    State(endpoint): State<Endpoint>,
    Caller(node): Caller,
    Json(mut report): Json<Report>,
) -> Result<StatusCode, AgentError> {
    // Tokens are stored as secrets, never in the report, which users can read.
    if let Some(tokens) = report.swarm.take() {
        keep_tokens(&endpoint, &node, tokens).await?;
    }
    if node.role != NodeRole::Master {
        // Only masters may report the engine's nodes.
        report.engine_nodes = None;
    }
    let now = Timestamp::now();
    endpoint.store.record_report(node.uuid, &report, now).await?;
    endpoint.hearing.reported(node.uuid, now, Instant::now());
    Ok(StatusCode::NO_CONTENT)
}

/// Only masters may send join tokens: a worker could direct other nodes into its own swarm.
async fn keep_tokens(endpoint: &Endpoint, node: &Node, tokens: SwarmTokens) -> Result<(), AgentError> {
    if node.role != NodeRole::Master {
        return Err(AgentError::Forbidden("Join tokens of a swarm are accepted from masters only.".to_owned()));
    }
    let record = endpoint.store.cluster_by_uuid(&Scope::All, node.cluster).await?;
    if record.cluster.engine != EngineKind::SWARM {
        return Err(AgentError::Forbidden("Join tokens are for swarm clusters.".to_owned()));
    }
    let founder = assignment::masters(&record.nodes).first().is_some_and(|first| first.uuid == node.uuid);
    for (name, token) in [("swarm-manager-token", tokens.manager), ("swarm-worker-token", tokens.worker)] {
        if token.is_empty() || token.len() > MAX_TOKEN || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(AgentError::Invalid(format!("{name} is not a join token.")));
        }
        let token = SecretString::from(token);
        if founder {
            // The master may be on a new machine and the swarm new. An unchanged token is not an event.
            endpoint.store.replace_key(record.id(), name, &token).await?;
        } else {
            endpoint.store.put_secret(record.id(), name, None, Some(&token)).await?;
        }
    }
    Ok(())
}
