//! Cluster templates.

use jeroboam_types::v1::{ClusterTemplate, ClusterTemplateCreate, ClusterTemplateList, PatchOperation};

use crate::Result;
use crate::session::{Call, Client};

impl Client {
    /// All templates that the project may see.
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

    /// One template by id or name.
    ///
    /// # Errors
    /// 404 when there is none, 409 when the name fits several.
    pub async fn template(&self, ident: &str) -> Result<ClusterTemplate> {
        self.json(Call::get(&["clustertemplates", ident])).await
    }

    /// Makes a template.
    ///
    /// # Errors
    /// 400 names the field that is wrong.
    pub async fn create_template(&self, body: &ClusterTemplateCreate) -> Result<ClusterTemplate> {
        self.json(Call::post(&["clustertemplates"]).body(body)?).await
    }

    /// Changes a template.
    ///
    /// # Errors
    /// 400 names what cannot be changed, 403 when it is not the project's.
    pub async fn update_template(&self, ident: &str, patch: &[PatchOperation]) -> Result<ClusterTemplate> {
        self.json(Call::patch(&["clustertemplates", ident]).body(&patch)?).await
    }

    /// Takes a template away.
    ///
    /// # Errors
    /// 400 when clusters are made of it, 404 when there is none.
    pub async fn delete_template(&self, ident: &str) -> Result<()> {
        self.nothing(Call::delete(&["clustertemplates", ident])).await
    }
}
