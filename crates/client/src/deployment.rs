//! The deployment: whether the server's database is the right one.

use jeroboam_types::v1::Deployment;

use crate::Result;
use crate::session::{Call, Client};

impl Client {
    /// The deployment, and why nothing is made or removed, if so; admins only.
    ///
    /// # Errors
    /// 403 for others.
    pub async fn deployment(&self) -> Result<Deployment> {
        self.json(Call::get(&["deployment"])).await
    }

    /// The server's database is the one that counts.
    ///
    /// # Errors
    /// 403 unless the caller is an admin, 409 when it is not held or another server still runs.
    pub async fn accept_deployment(&self) -> Result<Deployment> {
        self.json(Call::post(&["deployment", "actions", "accept"])).await
    }

    /// The server is a copy that goes its own way.
    ///
    /// # Errors
    /// 403 unless the caller is an admin, 409 when it is not held.
    pub async fn take_new_deployment_id(&self) -> Result<Deployment> {
        self.json(Call::post(&["deployment", "actions", "new-id"])).await
    }
}
