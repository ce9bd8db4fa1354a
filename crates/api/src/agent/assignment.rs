//! `GET /agent/v1/assignment`: a node's desired state, as soon as it is newer than the revision that the agent has.

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jeroboam_model::assignment;
use serde::Deserialize;

use super::Endpoint;
use super::caller::Caller;
use super::error::AgentError;
use super::snapshot::Known;

#[derive(Deserialize)]
pub(super) struct After {
    /// The revision that the agent has.
    #[serde(default)]
    after: u64,
}

/// A node that is being removed gets assignments like any other until its record is deleted: it must keep running while
/// it is drained.
pub(super) async fn assignment(
    State(endpoint): State<Endpoint>,
    Caller(node): Caller,
    Query(After { after }): Query<After>,
) -> Result<Response, AgentError> {
    let mut known = endpoint.snapshots.follow(node.cluster).await?;
    let newer = async {
        loop {
            let is = known.borrow_and_update().clone();
            match is {
                Known::Gone => return Err(AgentError::Gone),
                Known::Is(snapshot) if snapshot.revision > after => {
                    // Take the node from the snapshot: it may be newer than the record read when the call began.
                    let Some(node) = snapshot.record.nodes.iter().find(|other| other.uuid == node.uuid) else {
                        return Err(AgentError::Gone);
                    };
                    let built = assignment::build(&snapshot.source(), node)
                        .map_err(|error| AgentError::Internal(format!("assignment of node {}: {error}", node.name)))?;
                    if let Some(assignment) = built {
                        return Ok(Json(assignment).into_response());
                    }
                }
                Known::Is(_) | Known::NotYet => {}
            }
            if known.changed().await.is_err() {
                // Reading failed. The agent polls again, and gets an error if it still fails.
                return Ok(StatusCode::NO_CONTENT.into_response());
            }
        }
    };
    tokio::select! {
        answer = tokio::time::timeout(endpoint.long_poll, newer) => {
            answer.unwrap_or_else(|_| Ok(StatusCode::NO_CONTENT.into_response()))
        }
        () = endpoint.shutdown.cancelled() => Ok(StatusCode::NO_CONTENT.into_response()),
    }
}
