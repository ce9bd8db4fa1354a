//! The deployment's sequence number: every response carries it, agents keep the highest, and send it with every call.
//! An agent with a higher number than the database proves that the database is an older one, whether or not it knows
//! the agent.

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

/// How long the number is cached for other calls. Thousands of agents call all the time.
const FRESH_FOR: Duration = Duration::from_secs(1);

/// The cached number that responses carry.
#[derive(Clone, Default)]
pub(super) struct Telling(Arc<Mutex<Option<(Instant, Known)>>>);

impl Telling {
    /// The deployment's number, at most [`FRESH_FOR`] old.
    async fn get(&self, store: &Store) -> Result<Known> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match &kept {
            Some((read, known)) if read.elapsed() < FRESH_FOR => return Ok(known.clone()),
            _ => {}
        }
        let deployment = store.deployment().await?;
        let known = match kept {
            // Reuse the voucher if nothing has changed.
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

/// Middleware of every call.
pub(super) async fn exchange(State(endpoint): State<Endpoint>, request: Request, next: Next) -> Response {
    if let Some((node, said)) = said(&request)
        && let Err(problem) = hear(&endpoint, node, said).await
    {
        tracing::warn!(%problem, "comparing an agent's number of the deployment with the database");
    }
    let mut response = next.run(request).await;
    match endpoint.telling.get(&endpoint.store).await {
        Ok(known) => {
            if let Ok(value) = HeaderValue::from_str(&known.to_string()) {
                response.headers_mut().insert(KNOWN_HEADER, value);
            }
        }
        Err(problem) => tracing::warn!(%problem, "sending an agent the number of the deployment"),
    }
    response
}

/// The number that an agent has received before. Only agents with a client certificate are trusted.
fn said(request: &Request) -> Option<(Uuid, Known)> {
    let Peer(node) = request.extensions().get::<Peer>()?;
    let said = request.headers().get(KNOWN_HEADER)?.to_str().ok()?.parse().ok()?;
    Some(((*node)?, said))
}

/// Holds the deployment if the agent has a higher number than this database.
async fn hear(endpoint: &Endpoint, node: Uuid, said: Known) -> Result<()> {
    let told = endpoint.telling.get(&endpoint.store).await?;
    if said.deployment != told.deployment || said.number <= told.number {
        return Ok(());
    }
    // Another server of this database may have sent it since. The agent's machine belongs to a tenant: only a number
    // that a server has sealed counts.
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
            "The agent of node {node} has received the number {number}, but this database has only reached {}.",
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
