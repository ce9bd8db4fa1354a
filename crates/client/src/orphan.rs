//! Orphans: clusters that exist at the infrastructure but not in the server's database.

use jeroboam_types::v1::{ClusterCreate, Orphan, OrphanList};

use crate::Result;
use crate::change::Change;
use crate::cluster::Accepted;
use crate::session::{Call, Client};

impl Client {
    /// Returns all orphans, oldest first; admins only.
    ///
    /// # Errors
    /// 403 for others.
    pub async fn orphans(&self) -> Result<Vec<Orphan>> {
        let list: OrphanList = self.json(Call::get(&["orphans"])).await?;
        Ok(list.orphans)
    }

    /// Adopts an orphan as the cluster that the body describes. Returns at once.
    ///
    /// # Errors
    /// 403 unless the caller is an admin, 404 when there is no such orphan or template, 409 while the deployment is held,
    /// or when nothing is left of its masters.
    pub async fn adopt_orphan(&self, uuid: &str, body: &ClusterCreate) -> Result<Accepted> {
        self.ask(Change::AdoptOrphan(uuid, body)).await
    }

    /// Deletes all resources of an orphan.
    ///
    /// # Errors
    /// 403 unless the caller is an admin, 404 when there is no such orphan, 409 while the deployment is held.
    pub async fn delete_orphan(&self, uuid: &str) -> Result<()> {
        self.nothing(Call::delete(&["orphans", uuid])).await
    }
}
