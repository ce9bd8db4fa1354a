//! The overlay network that a project's containers share.

use std::collections::HashMap;

use bollard::Docker;
use bollard::models::NetworkCreateRequest;
use bollard::query_parameters::ListNetworksOptions;
use jeroboam_model::node::dns_label;

use super::{spec, within};
use crate::Result;

/// Characters of the project's id in the network's name: enough for a person to recognize the project.
const SHORT_ID: usize = 12;

/// Ensures that the project has its network in the swarm. Returns the network's id.
///
/// The network is found by its label, which has the whole project id; its name is for people.
pub(super) async fn ensure(docker: &Docker, project_id: &str) -> Result<String> {
    if let Some(id) = find(docker, project_id).await? {
        return Ok(id);
    }
    let request = NetworkCreateRequest {
        name: format!("project-{}", dns_label(project_id, SHORT_ID)),
        driver: Some("overlay".to_owned()),
        attachable: Some(true),
        labels: Some(HashMap::from([(spec::PROJECT.to_owned(), project_id.to_owned())])),
        ..NetworkCreateRequest::default()
    };
    match within("creating the project's network", docker.create_network(request)).await {
        Ok(made) => Ok(made.id),
        // It may have been created concurrently; the swarm refuses a duplicate name.
        Err(cause) => find(docker, project_id).await?.ok_or(cause),
    }
}

/// Filtered here: the engine's own filters miss a network for a moment after its creation.
async fn find(docker: &Docker, project_id: &str) -> Result<Option<String>> {
    let all = within("looking for the project's network", docker.list_networks(None::<ListNetworksOptions>)).await?;
    Ok(all
        .into_iter()
        .find(|network| {
            network.labels.as_ref().and_then(|labels| labels.get(spec::PROJECT)).is_some_and(|id| id == project_id)
        })
        .and_then(|network| network.id))
}
