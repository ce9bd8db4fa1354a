//! Statistics.

use jeroboam_types::v1::Stats;

use crate::Result;
use crate::session::{Call, Client};

impl Client {
    /// Returns the number of clusters and nodes of a project; without one, of the caller's own project, or of all for
    /// admins.
    ///
    /// # Errors
    /// 403 for other projects than the caller's own.
    pub async fn stats(&self, project: Option<&str>) -> Result<Stats> {
        let call = Call::get(&["stats"]);
        self.json(match project {
            Some(project) => call.query("project_id", project),
            None => call,
        })
        .await
    }
}
