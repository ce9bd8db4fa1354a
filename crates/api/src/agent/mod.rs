//! The endpoint that nodes' agents call: the server's side of the protocol in `jeroboam_types::agent`.
//!
//! Separate from the API: another port, TLS with its own authority, and no identity service or projects. The client
//! certificate authenticates one node; a call can read and change only what belongs to that node or its cluster.
//!
//! - [`connection`]: TLS and limits. - [`caller`]: who calls. - [`snapshot`]: what clusters are, shared by all polls.
//! - [`hearing`]: which nodes send heartbeats.
//! - `enroll`, `renew`, `assignment`, `certificates`, `report`, `heartbeat`: one call each. - [`profile`]: who may have
//!   which certificate.

mod assignment;
mod caller;
mod certificates;
mod connection;
mod enroll;
mod error;
mod hearing;
mod heartbeat;
mod instances;
mod known;
mod profile;
mod renew;
mod report;
mod snapshot;
#[cfg(test)]
mod tests;

pub use self::connection::most_connections;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use jeroboam_pki::{Authority, PkiError, agent};
use jeroboam_store::{Owner, Store, StoreError};
use jeroboam_types::agent::LONG_POLL_SECONDS;
use jiff::Timestamp;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::timeout::TimeoutLayer;

use self::hearing::Hearing;
use self::snapshot::Snapshots;

/// Largest body in bytes with one signing request, and perhaps a token, from a client that may have no certificate.
const SIGNING_BODY: usize = 16 * 1024;

/// Largest other body in bytes: a report with the last output of a dozen components, or a dozen signing requests.
const BODY: usize = 256 * 1024;

/// Timeout of calls other than long polls, including their body.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);

/// Why the endpoint cannot be set up.
#[derive(Debug, Error)]
pub enum AgentServerError {
    /// The authority cannot be read or stored.
    #[error("loading the agents' certificate authority: {0}")]
    Store(#[from] StoreError),
    /// The authority cannot be created or is unusable.
    #[error("setting up the agents' certificate authority: {0}")]
    Pki(#[from] PkiError),
    /// TLS rejects the certificate or key.
    #[error("setting up TLS for agents: {0}")]
    Tls(String),
}

/// The endpoint, ready to serve.
pub struct AgentServer {
    endpoint: Endpoint,
    tls: Arc<rustls::ServerConfig>,
}

/// What all calls share.
#[derive(Clone)]
struct Endpoint {
    store: Store,
    authority: Arc<Authority>,
    snapshots: Arc<Snapshots>,
    hearing: Arc<Hearing>,
    telling: known::Telling,
    /// Cancelled when the endpoint shuts down: polls end early then.
    shutdown: CancellationToken,
    long_poll: Duration,
}

impl AgentServer {
    /// Loads the agents' authority (created by the first process) and creates a certificate for the addresses at which
    /// machines reach the endpoint.
    ///
    /// # Errors
    /// When the store or the authority cannot be used.
    pub async fn new(store: Store, reach: &[IpAddr]) -> Result<Self, AgentServerError> {
        let authority = Arc::new(load_authority(&store).await?);
        let tls = connection::tls(&authority, reach, Timestamp::now())?;
        let endpoint = Endpoint {
            snapshots: Arc::new(Snapshots::new(store.clone())),
            hearing: Arc::new(Hearing::new(store.clone())),
            telling: known::Telling::default(),
            store,
            authority,
            shutdown: CancellationToken::new(),
            long_poll: Duration::from_secs(LONG_POLL_SECONDS),
        };
        Ok(Self { endpoint, tls })
    }

    /// PEM of the authority that agents have to trust.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        self.endpoint.authority.certificate_pem()
    }

    /// Serves at most `most` connections at once until `shutdown`, then lets calls in progress finish. An error of one
    /// connection affects no other.
    pub async fn serve(mut self, listener: TcpListener, most: usize, shutdown: CancellationToken) {
        self.endpoint.shutdown = shutdown.clone();
        let (snapshots, hearing) = (self.endpoint.snapshots.clone(), self.endpoint.hearing.clone());
        // A node that cannot call because the endpoint stops is not silent.
        let stop = shutdown.clone();
        let listening = Box::pin(stop.run_until_cancelled(hearing.listen()));
        let serving = Box::pin(connection::serve(listener, self.tls, router(self.endpoint), most, shutdown));
        tokio::select! {
            _ = async { tokio::join!(serving, listening) } => {}
            () = snapshots.keep_fresh() => {}
        }
    }
}

/// The deployment's authority for agents. Processes that start at the same time agree on one.
async fn load_authority(store: &Store) -> Result<Authority, AgentServerError> {
    let owner = Owner::Deployment;
    let kept = match store.secret(owner, agent::SECRET_NAME).await? {
        Some(kept) => kept,
        None => {
            let new = agent::authority(Timestamp::now())?;
            store.put_secret(owner, agent::SECRET_NAME, Some(new.certificate_pem()), Some(&new.key_pem())).await?
        }
    };
    match (kept.certificate, kept.key) {
        (Some(certificate), Some(key)) => Ok(Authority::load(&certificate, &key)?),
        _ => Err(PkiError::Malformed {
            what: "the agents' authority",
            detail: "its certificate or key is missing in the database".to_owned(),
        }
        .into()),
    }
}

fn router(endpoint: Endpoint) -> Router {
    // A poll has no body to wait for, and has its own timeout.
    let polls = Router::new().route("/agent/v1/assignment", get(assignment::assignment));
    let signing = Router::new()
        .route("/agent/v1/enroll", post(enroll::enroll))
        .route("/agent/v1/renew", post(renew::renew))
        .layer(DefaultBodyLimit::max(SIGNING_BODY));
    let calls = Router::new()
        .route("/agent/v1/instances/{uuid}", get(instances::instances))
        .route("/agent/v1/certificates", post(certificates::certificates))
        .route("/agent/v1/report", post(report::report))
        .route("/agent/v1/heartbeat", post(heartbeat::heartbeat))
        .layer(DefaultBodyLimit::max(BODY))
        .merge(signing)
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, CALL_TIMEOUT));
    polls.merge(calls).layer(from_fn_with_state(endpoint.clone(), known::exchange)).with_state(endpoint)
}
