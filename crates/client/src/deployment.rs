//! The deployment, and whether its database is the current one.

use jeroboam_types::v1::Deployment;

use crate::Result;
use crate::session::{Call, Client};

impl Client {
    /// Returns the deployment, and why nothing is created or removed, if it is held; admins only.
    ///
    /// # Errors
    /// 403 for others.
    pub async fn deployment(&self) -> Result<Deployment> {
        self.json(Call::get(&["deployment"])).await
    }

    /// Confirms that the server's database is the current one.
    ///
    /// # Errors
    /// 403 unless the caller is an admin, 409 when it is not held or another server still runs.
    pub async fn accept_deployment(&self) -> Result<Deployment> {
        self.json(Call::post(&["deployment", "actions", "accept"])).await
    }

    /// Gives the server, an independent copy, a new deployment id.
    ///
    /// # Errors
    /// 403 unless the caller is an admin, 409 when it is not held.
    pub async fn take_new_deployment_id(&self) -> Result<Deployment> {
        self.json(Call::post(&["deployment", "actions", "new-id"])).await
    }
}
