//! Labels.

use jeroboam_types::v1::{Label, LabelExplanation, LabelList};

use crate::Result;
use crate::session::{Call, Client};

impl Client {
    /// Returns all labels that the server knows, and which ones it accepts.
    ///
    /// # Errors
    /// 404 from a stock Magnum, which has no such route.
    pub async fn labels(&self) -> Result<LabelList> {
        self.json(Call::get(&["labels"])).await
    }

    /// Returns one label.
    ///
    /// # Errors
    /// 404 when it is unknown; the message suggests a similar name.
    pub async fn label(&self, name: &str) -> Result<Label> {
        self.json(Call::get(&["labels", name])).await
    }

    /// Returns the labels that clusters of a template get.
    ///
    /// # Errors
    /// 404 when there is no such template.
    pub async fn template_labels(&self, template: &str) -> Result<LabelExplanation> {
        self.json(Call::get(&["clustertemplates", template, "labels"])).await
    }

    /// Returns the labels in effect for a cluster, or for one of its node groups.
    ///
    /// # Errors
    /// 404 when there is no such cluster or group.
    pub async fn cluster_labels(&self, cluster: &str, group: Option<&str>) -> Result<LabelExplanation> {
        let path = match group {
            Some(group) => vec!["clusters", cluster, "nodegroups", group, "labels"],
            None => vec!["clusters", cluster, "labels"],
        };
        self.json(Call::get(&path)).await
    }
}
