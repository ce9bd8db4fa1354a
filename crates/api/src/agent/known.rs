//! How far the deployment has come: agents are told with every answer, keep the highest, and say it with every call.
//! One who was told more than the database knows proves that it is an older one, whether or not it knows the agent.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::Response;
use jeroboam_store::{Result, Store};
use jeroboam_types::agent::{KNOWN_HEADER, Known};
use jeroboam_types::v1::{Evidence, EvidenceKind};
use uuid::Uuid;

use super::Endpoint;
use super::caller::Peer;

/// How long what was read is told to others too. Thousands of agents call all the time.
const FRESH_FOR: Duration = Duration::from_secs(1);

/// What is told now.
#[derive(Clone, Default)]
pub(super) struct Telling(Arc<Mutex<Option<(Instant, Known)>>>);

impl Telling {
    /// How far the deployment has come, or had a moment ago.
    async fn get(&self, store: &Store) -> Result<Known> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match &kept {
            Some((read, known)) if read.elapsed() < FRESH_FOR => return Ok(known.clone()),
            _ => {}
        }
        let deployment = store.deployment().await?;
        let known = match kept {
            // Vouchers are not made without need.
            Some((_, kept)) if (&kept.deployment, kept.number) == (&deployment.id, deployment.number) => kept,
            _ => Known {
                voucher: store.voucher(&deployment.id, deployment.number)?,
                deployment: deployment.id,
                number: deployment.number,
            },
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), known.clone()));
        Ok(known)
    }
}

/// Around every call.
pub(super) async fn exchange(State(endpoint): State<Endpoint>, request: Request, next: Next) -> Response {
    if let Some((node, said)) = said(&request)
        && let Err(problem) = hear(&endpoint, node, said).await
    {
        tracing::warn!(%problem, "comparing what an agent was told with the database");
    }
    let mut response = next.run(request).await;
    match endpoint.telling.get(&endpoint.store).await {
        Ok(known) => {
            if let Ok(value) = HeaderValue::from_str(&known.to_string()) {
                response.headers_mut().insert(KNOWN_HEADER, value);
            }
        }
        Err(problem) => tracing::warn!(%problem, "telling an agent how far the deployment has come"),
    }
    response
}

/// What the agent of a node was told before. Only agents that have shown their certificate are listened to.
fn said(request: &Request) -> Option<(Uuid, Known)> {
    let Peer(node) = request.extensions().get::<Peer>()?;
    let said = request.headers().get(KNOWN_HEADER)?.to_str().ok()?.parse().ok()?;
    Some(((*node)?, said))
}

/// Holds the deployment if the agent was told more than this database knows.
async fn hear(endpoint: &Endpoint, node: Uuid, said: Known) -> Result<()> {
    let told = endpoint.telling.get(&endpoint.store).await?;
    if said.deployment != told.deployment || said.number <= told.number {
        return Ok(());
    }
    // Another server of this database may have told it since. The agent's machine is its tenant's: only what a server
    // has sealed counts.
    let deployment = endpoint.store.deployment().await?;
    let number = match endpoint.store.vouched(&deployment.id, &said.voucher) {
        Some(number) if number > deployment.number => number,
        _ => return Ok(()),
    };
    let is_known = |old: &Evidence| old.kind == EvidenceKind::Agent && old.number.is_some_and(|old| old >= number);
    if deployment.hold.iter().flat_map(|hold| &hold.evidence).any(is_known) {
        return Ok(());
    }
    let evidence = Evidence {
        kind: EvidenceKind::Agent,
        message: format!(
            "The agent of node {node} was told the number {number}, and this database has come to {} only.",
            deployment.number
        ),
        number: Some(number),
        instance: None,
        url: None,
    };
    let hold = endpoint.store.hold(&[evidence]).await?;
    if deployment.hold.is_none() {
        let cause = hold.cause();
        tracing::error!(code = cause.code, "{} {}.", cause.message, cause.action);
    }
    Ok(())
}
