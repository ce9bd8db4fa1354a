//! Quotas.

use jeroboam_types::v1::{Quota, QuotaCreate, QuotaList, QuotaUpdate};

use crate::Result;
use crate::session::{Call, Client};

impl Client {
    /// Returns the quotas of the caller's own project, or of all; admins only.
    ///
    /// # Errors
    /// 403 for others.
    pub async fn quotas(&self, all_projects: bool) -> Result<Vec<Quota>> {
        let mut all: Vec<Quota> = Vec::new();
        loop {
            let mut call = Call::get(&["quotas"]);
            if all_projects {
                call = call.query("all_tenants", "True");
            }
            if let Some(last) = all.last().and_then(|quota| quota.id) {
                call = call.query("marker", last.to_string());
            }
            let QuotaList { quotas, next } = self.json(call).await?;
            // Protects against a server that announces another page but then sends nothing.
            let done = next.is_none() || quotas.is_empty();
            all.extend(quotas);
            if done {
                return Ok(all);
            }
        }
    }

    /// Returns the limit on a resource for a project, which may be the default.
    ///
    /// # Errors
    /// 403 for other projects than the caller's own.
    pub async fn quota(&self, project: &str, resource: &str) -> Result<Quota> {
        self.json(Call::get(&["quotas", project, resource])).await
    }

    /// Creates a quota.
    ///
    /// # Errors
    /// 404 when there is no such project, 409 when it has a quota for the resource already.
    pub async fn create_quota(&self, body: &QuotaCreate) -> Result<Quota> {
        self.json(Call::post(&["quotas"]).body(body)?).await
    }

    /// Changes a quota.
    ///
    /// # Errors
    /// 404 when the project has no quota for the resource.
    pub async fn update_quota(&self, project: &str, resource: &str, body: &QuotaUpdate) -> Result<Quota> {
        self.json(Call::patch(&["quotas", project, resource]).body(body)?).await
    }

    /// Deletes a quota.
    ///
    /// # Errors
    /// 404 when the project has no quota for the resource.
    pub async fn delete_quota(&self, project: &str, resource: &str) -> Result<()> {
        self.nothing(Call::delete(&["quotas", project, resource])).await
    }
}
