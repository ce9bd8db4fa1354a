//! Checks whether this database is the right one. A server on a restored older database, or on a copy beside the
//! original, would delete machines that the other one needs.
//!
//! Every server leaves a mark at the infrastructure after its start was recorded in the database. A server that finds
//! the mark of a server that the database does not know, or a number above the database's, or a server that uses
//! another database, holds the deployment: nothing is created or removed until the operator has chosen. A server that
//! is held leaves no mark, so that the one whose copy it may be continues.
//!
//! - [`Gate`]: where conductors wait.
//! - `evidence`: what proves that the database is the wrong one.
//! - `neighbour`: asks other servers.
//! - `choice`: what the operator can choose.

mod choice;
mod evidence;
mod gate;
mod neighbour;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jeroboam_infra::{Infrastructure, Presence, Remains};
use jeroboam_model::{Cause, CauseExt};
use jeroboam_store::{Deployment, Store, StoreError};
use jeroboam_types::v1::Evidence;
use jiff::Timestamp;
use thiserror::Error;
use tokio::sync::{Notify, OnceCell, watch};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};
use uuid::Uuid;

pub use self::gate::Gate;
use self::neighbour::Neighbour;

/// Between two checks of the marks of servers.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Between two attempts at the first check, while the infrastructure does not answer.
const TRY_AGAIN: Duration = Duration::from_secs(2);

/// Why a check, or the operator's choice, failed.
#[derive(Debug, Error)]
pub enum LookoutError {
    /// The database failed or refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The infrastructure does not answer, or the choice is not possible.
    #[error("{}", .0.one_line())]
    Cause(Cause),
}

impl From<Cause> for LookoutError {
    fn from(cause: Cause) -> Self {
        Self::Cause(cause)
    }
}

/// A server's checks of its deployment.
pub struct Lookout {
    store: Store,
    infra: Arc<dyn Infrastructure>,
    instance: Uuid,
    host: String,
    /// Where this server answers agents and other servers.
    url: OnceLock<String>,
    wake: Notify,
    first: OnceCell<()>,
    gate: Gate,
    /// The deployment id under which resources are created and found.
    id: watch::Sender<String>,
}

/// What was found at the infrastructure.
struct Found {
    presences: Vec<Presence>,
    remains: Vec<Remains>,
    /// The servers that were asked whether they know us, and their answers.
    neighbours: Vec<Neighbour>,
}

impl Lookout {
    /// For the server `instance`, whose start is already recorded, in the deployment of this id.
    #[must_use]
    pub fn new(store: Store, infra: Arc<dyn Infrastructure>, id: String, instance: Uuid, host: String) -> Arc<Self> {
        let (url, wake, first, gate) = (OnceLock::new(), Notify::new(), OnceCell::new(), Gate::closed());
        Arc::new(Self { store, infra, instance, host, url, wake, first, gate, id: watch::Sender::new(id) })
    }

    /// Where a conductor waits until it is known whether this database is the right one.
    #[must_use]
    pub fn gate(&self) -> Gate {
        self.gate.clone()
    }

    /// Sets the URL at which this server answers. A second call changes nothing.
    pub fn answers_at(&self, url: &str) {
        let _ = self.url.set(url.to_owned());
        self.wake.notify_one();
    }

    /// The deployment's id, and its later changes.
    #[must_use]
    pub fn id(&self) -> watch::Receiver<String> {
        self.id.subscribe()
    }

    /// Does the first check, which opens the gate, unless that was done before.
    ///
    /// # Errors
    /// When database or infrastructure do not answer.
    pub async fn first_look(&self) -> Result<(), LookoutError> {
        self.first.get_or_try_init(|| self.look_around()).await?;
        self.gate.open();
        Ok(())
    }

    /// Repeats the first check until it succeeds, then checks every [`LOOK_EVERY`], until `shutdown`.
    pub async fn watch(self: Arc<Self>, shutdown: CancellationToken) {
        while let Err(problem) = self.first_look().await {
            warn!(%problem, "not known yet whether this database is the right one; nothing is created or removed");
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(TRY_AGAIN) => {}
            }
        }
        while !shutdown.is_cancelled() {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.wake.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            if let Err(problem) = self.look().await {
                tracing::debug!(%problem, "checking the marks of servers");
            }
        }
    }

    /// The first check: of everything, and of which other servers answer.
    async fn look_around(&self) -> Result<(), LookoutError> {
        let found = self.find().await?;
        let deployment = self.judge(&found).await?;
        if deployment.hold.is_some() {
            return Ok(());
        }
        self.be_present(&deployment, &found.presences).await?;
        // Marks of other servers of this database: one that still runs leaves a new mark with its next check.
        for other in found.presences.iter().filter(|presence| presence.instance != self.instance) {
            self.infra.forget_presence(other.instance).await?;
        }
        let marked: Vec<Uuid> = found.presences.iter().map(|presence| presence.instance).collect();
        Ok(self.store.forget_instances(&marked, Timestamp::now()).await?)
    }

    /// A later check, of the marks of servers only.
    async fn look(&self) -> Result<(), LookoutError> {
        let id = self.store.deployment().await?.id;
        if *self.id.borrow() != id {
            // The id was changed through another server of this database.
            self.infra.take_deployment(&id);
            self.id.send_replace(id);
        }
        let presences = self.infra.presences().await?;
        let found = Found { presences, remains: Vec::new(), neighbours: Vec::new() };
        let deployment = self.judge(&found).await?;
        if deployment.hold.is_some() {
            return Ok(());
        }
        self.be_present(&deployment, &found.presences).await
    }

    /// Everything of this deployment at the infrastructure.
    async fn find(&self) -> Result<Found, LookoutError> {
        let (presences, remains) = futures::try_join!(self.infra.presences(), self.infra.remains())?;
        let neighbours = neighbour::ask_all(&self.store, &presences, self.instance).await?;
        Ok(Found { presences, remains, neighbours })
    }

    /// Holds the deployment if there is evidence for that; returns its state afterwards. The infrastructure was read
    /// before the database: a current database is then always ahead, and one that is not is an older one.
    async fn judge(&self, found: &Found) -> Result<Deployment, LookoutError> {
        let deployment = self.store.deployment().await?;
        let evidence = self.evidence(found, &deployment).await?;
        if evidence.is_empty() {
            return Ok(deployment);
        }
        let is_new = |new: &Evidence| {
            let known = deployment.hold.iter().flat_map(|hold| &hold.evidence);
            !known.into_iter().any(|old| (old.kind, old.instance) == (new.kind, new.instance))
        };
        let has_news = evidence.iter().any(is_new);
        let hold = self.store.hold(&evidence).await?;
        if has_news {
            let cause = hold.cause();
            error!(code = cause.code, "{} {}.", cause.message, cause.action);
        }
        Ok(Deployment { hold: Some(hold), ..deployment })
    }

    /// Updates the mark of this server.
    async fn be_present(&self, deployment: &Deployment, there: &[Presence]) -> Result<(), LookoutError> {
        let presence = Presence {
            instance: self.instance,
            number: deployment.number,
            host: self.host.clone(),
            url: self.url.get().cloned(),
        };
        if !there.contains(&presence) {
            self.infra.be_present(&presence).await?;
        }
        Ok(())
    }
}
