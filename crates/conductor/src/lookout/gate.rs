//! Where conductors wait until it is known whether the database is the right one.

use tokio_util::sync::CancellationToken;

/// Opens once and stays open. Clones share the same gate; that of [`Default`] is open.
#[derive(Debug, Clone)]
pub struct Gate(CancellationToken);

impl Gate {
    pub(super) fn closed() -> Self {
        Self(CancellationToken::new())
    }

    pub(super) fn open(&self) {
        self.0.cancel();
    }

    /// Whether it is open.
    pub(crate) fn is_open(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Returns when it is open.
    pub(crate) async fn passed(&self) {
        self.0.cancelled().await;
    }
}

impl Default for Gate {
    fn default() -> Self {
        let gate = Self::closed();
        gate.open();
        gate
    }
}
