//! Versions of engines.

use jeroboam_types::v1::{EngineVersion, EngineVersionList};

use crate::Result;
use crate::session::{Call, Client};

impl Client {
    /// Returns the versions that clusters can run, and others that this release knows; of one engine (`kubernetes`,
    /// `swarm`) or of all.
    ///
    /// # Errors
    /// 404 from a stock Magnum, which has no such route.
    pub async fn engine_versions(&self, engine: Option<&str>) -> Result<Vec<EngineVersion>> {
        let call = Call::get(&["engineversions"]);
        let list: EngineVersionList = self
            .json(match engine {
                Some(engine) => call.query("engine", engine),
                None => call,
            })
            .await?;
        Ok(list.engineversions)
    }
}
