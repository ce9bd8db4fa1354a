//! Containers on Swarm clusters.

use jeroboam_types::v1::{Container, ContainerCreate, ContainerList, ContainerOutput};

use crate::Result;
use crate::session::{Call, Client};

impl Client {
    /// Returns the containers of one cluster, or of all clusters of the project.
    ///
    /// # Errors
    /// 404 when there is no such cluster.
    pub async fn containers(&self, cluster: Option<&str>) -> Result<Vec<Container>> {
        let list: ContainerList = self.json(Call::get(&["containers"]).bay(cluster)).await?;
        Ok(list.containers)
    }

    /// Returns one container by id or name.
    ///
    /// # Errors
    /// 404 when there is none, 409 when several have the name.
    pub async fn container(&self, ident: &str, cluster: Option<&str>) -> Result<Container> {
        self.json(Call::get(&["containers", ident]).bay(cluster)).await
    }

    /// Creates a container. May take as long as the image pull.
    ///
    /// # Errors
    /// 400 names the invalid field.
    pub async fn create_container(&self, body: &ContainerCreate) -> Result<Container> {
        self.json(Call::post(&["containers"]).long().body(body)?).await
    }

    /// Returns the output of a container.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn container_logs(&self, ident: &str, cluster: Option<&str>) -> Result<String> {
        let answer: ContainerOutput = self.json(Call::get(&["containers", ident, "logs"]).bay(cluster).long()).await?;
        Ok(answer.output)
    }

    /// Runs a command in a container and waits until it exits. The command is split as a shell would.
    ///
    /// # Errors
    /// 404 when there is no such container, 409 when it does not run, 504 when the command took too long.
    pub async fn execute(&self, ident: &str, cluster: Option<&str>, command: &str) -> Result<ContainerOutput> {
        self.json(Call::put(&["containers", ident, "execute"]).bay(cluster).query("command", command).long()).await
    }

    /// Deletes a container, running or not.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn delete_container(&self, ident: &str, cluster: Option<&str>) -> Result<()> {
        self.nothing(Call::delete(&["containers", ident]).bay(cluster)).await
    }
}
