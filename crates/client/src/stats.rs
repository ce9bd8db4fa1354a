//! How much there is.

use jeroboam_types::v1::Stats;

use crate::Result;
use crate::session::{Call, Client};

impl Client {
    /// How many clusters and nodes a project has; without a project the login's own, for admins all of them.
    ///
    /// # Errors
    /// 403 for other projects than the login's own.
    pub async fn stats(&self, project: Option<&str>) -> Result<Stats> {
        let call = Call::get(&["stats"]);
        self.json(match project {
            Some(project) => call.query("project_id", project),
            None => call,
        })
        .await
    }
}
