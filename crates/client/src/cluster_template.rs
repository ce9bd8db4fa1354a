//! Cluster templates.

use jeroboam_types::v1::{ClusterTemplate, ClusterTemplateCreate, ClusterTemplateList, PatchOperation};

use crate::Result;
use crate::session::{Call, Client};

impl Client {
    /// Returns all templates that the project may see.
    ///
    /// # Errors
    /// See [`Error`](crate::Error).
    pub async fn templates(&self) -> Result<Vec<ClusterTemplate>> {
        self.pages(
            &["clustertemplates"],
            |list: ClusterTemplateList| (list.clustertemplates, list.next),
            |template| template.uuid.clone(),
        )
        .await
    }

    /// Returns one template by id or name.
    ///
    /// # Errors
    /// 404 when there is none, 409 when several have the name.
    pub async fn template(&self, ident: &str) -> Result<ClusterTemplate> {
        self.json(Call::get(&["clustertemplates", ident])).await
    }

    /// Creates a template.
    ///
    /// # Errors
    /// 400 names the invalid field.
    pub async fn create_template(&self, body: &ClusterTemplateCreate) -> Result<ClusterTemplate> {
        self.json(Call::post(&["clustertemplates"]).body(body)?).await
    }

    /// Changes a template.
    ///
    /// # Errors
    /// 400 names the attribute that cannot be changed, 403 when another project owns the template.
    pub async fn update_template(&self, ident: &str, patch: &[PatchOperation]) -> Result<ClusterTemplate> {
        self.json(Call::patch(&["clustertemplates", ident]).body(&patch)?).await
    }

    /// Deletes a template.
    ///
    /// # Errors
    /// 400 when clusters use it, 404 when there is none.
    pub async fn delete_template(&self, ident: &str) -> Result<()> {
        self.nothing(Call::delete(&["clustertemplates", ident])).await
    }
}
