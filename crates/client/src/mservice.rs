//! Conductors, which carry out the operations.

use jeroboam_types::v1::{Mservice, MserviceList};

use crate::Result;
use crate::session::{Call, Client};

impl Client {
    /// Returns the conductors; admins only.
    ///
    /// # Errors
    /// 403 for others.
    pub async fn mservices(&self) -> Result<Vec<Mservice>> {
        let list: MserviceList = self.json(Call::get(&["mservices"])).await?;
        Ok(list.mservices)
    }
}
