//! A project's containers in a swarm (contract workloads-2015 section 2.5).

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use bollard::Docker;
use bollard::errors::Error;
use bollard::models::{Node, Service, Task, TaskState};
use bollard::query_parameters::{ListNodesOptions, ListServicesOptions, ListTasksOptions};
use jeroboam_model::CauseExt as _;
use jeroboam_types::v1::{Container, ContainerOutput};
use url::Url;

use super::spec::{COMMAND, MEMORY, NAME, NewContainer, PROJECT, UUID, invalid, words};
use super::{LIMIT, Swarm, error, network, node, output, spec, status};
use crate::{Access, WorkloadError, tls};

/// The containers of one project in one swarm.
#[derive(Clone)]
pub struct Containers {
    swarm: Swarm,
    access: Access,
    /// URL of the manager that is used.
    url: Url,
    docker: Docker,
    project_id: String,
}

impl Containers {
    pub(super) fn new(swarm: Swarm, access: Access, url: Url, docker: Docker, project_id: &str) -> Self {
        Self { swarm, access, url, docker, project_id: project_id.to_owned() }
    }

    /// Creates and starts a container. The caller sets `bay_uuid` and `links`.
    ///
    /// # Errors
    /// [`WorkloadError::Invalid`] names the field; [`WorkloadError::Conflict`] when the name is taken.
    pub async fn create(&self, new: &NewContainer) -> Result<Container, WorkloadError> {
        // Validates the input before anything is created.
        spec::service(new, &self.project_id, "")?;
        if let Some(name) = &new.name
            && self.services().await?.iter().any(|service| label(service, NAME) == Some(name))
        {
            return Err(WorkloadError::Conflict(format!("there is a container named '{name}' already")));
        }
        let network = network::ensure(&self.docker, &self.project_id)
            .await
            .map_err(|cause| WorkloadError::Unreachable(cause.one_line()))?;
        let wanted = spec::service(new, &self.project_id, &network)?;
        within(self.docker.create_service(wanted, None)).await?;
        self.show(&new.uuid.to_string()).await
    }

    /// All containers, oldest first.
    ///
    /// # Errors
    /// [`WorkloadError::Unreachable`] when the swarm does not answer.
    pub async fn list(&self) -> Result<Vec<Container>, WorkloadError> {
        let mut services = self.services().await?;
        services.sort_by(|a, b| a.created_at.cmp(&b.created_at));
        if services.is_empty() {
            return Ok(Vec::new());
        }
        let (tasks, nodes) = tokio::try_join!(
            within(self.docker.list_tasks(None::<ListTasksOptions>)),
            within(self.docker.list_nodes(None::<ListNodesOptions>))
        )?;
        Ok(services.iter().map(|service| view(service, &tasks, &nodes)).collect())
    }

    /// One container by uuid or name.
    ///
    /// # Errors
    /// [`WorkloadError::NotFound`], or [`WorkloadError::Conflict`] when several have the name.
    pub async fn show(&self, ident: &str) -> Result<Container, WorkloadError> {
        let service = self.find(ident).await?;
        let (tasks, nodes) =
            tokio::try_join!(self.tasks(&service), within(self.docker.list_nodes(None::<ListNodesOptions>)))?;
        Ok(view(&service, &tasks, &nodes))
    }

    /// A container's log, at most its last mebibyte. Empty until the container has started.
    ///
    /// # Errors
    /// As above; [`WorkloadError::Unreachable`] when its node does not answer.
    pub async fn logs(&self, ident: &str) -> Result<ContainerOutput, WorkloadError> {
        let service = self.find(ident).await?;
        let tasks = self.tasks(&service).await?;
        let newest = status::newest(&tasks, service.id.as_deref());
        match newest.filter(|task| container_id(task).is_some()).and_then(|task| task.id.as_deref()) {
            Some(task) => output::logs(&self.docker, task).await,
            None => Ok(ContainerOutput { output: String::new(), exit_code: None }),
        }
    }

    /// Runs a command in a container and waits until it exits. It is killed after `limit`.
    ///
    /// # Errors
    /// As above; [`WorkloadError::Conflict`] when the container does not run, [`WorkloadError::TimedOut`] when the
    /// command took longer.
    pub async fn exec(&self, ident: &str, command: &str, limit: Duration) -> Result<ContainerOutput, WorkloadError> {
        let words = words("command", command)?;
        if words.is_empty() {
            return Err(invalid("command", "is required"));
        }
        let service = self.find(ident).await?;
        let tasks = self.tasks(&service).await?;
        let running = status::newest(&tasks, service.id.as_deref())
            .filter(|task| task.status.as_ref().and_then(|status| status.state) == Some(TaskState::RUNNING))
            .and_then(|task| Some((task.node_id.as_deref()?, container_id(task)?)));
        let Some((node, container)) = running else {
            return Err(WorkloadError::Conflict(format!("the container '{ident}' does not run")));
        };
        let docker = self.engine_of(node).await?;
        output::exec(&docker, container, words, limit).await
    }

    /// Removes a container, running or not.
    ///
    /// # Errors
    /// As above.
    pub async fn delete(&self, ident: &str) -> Result<(), WorkloadError> {
        let service = self.find(ident).await?;
        match within(self.docker.delete_service(service.id.as_deref().unwrap_or_default())).await {
            Err(WorkloadError::NotFound(_)) => Ok(()),
            other => other,
        }
    }

    /// The engine of a node: a manager can run commands only in its own containers.
    async fn engine_of(&self, node_id: &str) -> Result<Docker, WorkloadError> {
        let nodes = within(self.docker.list_nodes(None::<ListNodesOptions>)).await?;
        let url = nodes
            .iter()
            .find(|node| node.id.as_deref() == Some(node_id))
            .and_then(node::address)
            .and_then(|address| tls::at_host(&self.url, address))
            .ok_or_else(|| WorkloadError::Unreachable("the container's node is gone or has no address".to_owned()))?;
        self.swarm.at(&url, &self.access).await.map_err(|cause| WorkloadError::Unreachable(cause.one_line()))
    }

    /// The project's services that run containers.
    async fn services(&self) -> Result<Vec<Service>, WorkloadError> {
        let ours = vec![format!("{PROJECT}={}", self.project_id), UUID.to_owned()];
        let options = ListServicesOptions {
            filters: Some(HashMap::from([("label".to_owned(), ours)])),
            ..ListServicesOptions::default()
        };
        let mut services = within(self.docker.list_services(Some(options))).await?;
        // Checked here too: isolation between projects must not depend on how an engine applies filters.
        services.retain(|service| label(service, PROJECT) == Some(&self.project_id) && label(service, UUID).is_some());
        Ok(services)
    }

    async fn find(&self, ident: &str) -> Result<Service, WorkloadError> {
        let mut services = self.services().await?;
        if let Some(at) = services.iter().position(|service| label(service, UUID) == Some(ident)) {
            return Ok(services.swap_remove(at));
        }
        services.retain(|service| label(service, NAME) == Some(ident));
        match (services.pop(), services.len()) {
            (None, _) => Err(WorkloadError::NotFound(format!("there is no container '{ident}'"))),
            (Some(service), 0) => Ok(service),
            (Some(_), _) => {
                Err(WorkloadError::Conflict(format!("several containers are named '{ident}'; give the uuid")))
            }
        }
    }

    async fn tasks(&self, service: &Service) -> Result<Vec<Task>, WorkloadError> {
        let of_service = vec![service.id.clone().unwrap_or_default()];
        let options = ListTasksOptions { filters: Some(HashMap::from([("service".to_owned(), of_service)])) };
        within(self.docker.list_tasks(Some(options))).await
    }
}

fn view(service: &Service, tasks: &[Task], nodes: &[Node]) -> Container {
    let standing = status::standing(status::newest(tasks, service.id.as_deref()), nodes);
    let text = |name: &str| label(service, name).map(ToOwned::to_owned);
    let container = service
        .spec
        .as_ref()
        .and_then(|spec| spec.task_template.as_ref())
        .and_then(|template| template.container_spec.clone())
        .unwrap_or_default();
    Container {
        uuid: text(UUID).unwrap_or_default(),
        name: text(NAME),
        image: container.image.unwrap_or_default(),
        command: text(COMMAND),
        status: standing.status.to_owned(),
        status_reason: standing.reason,
        memory: text(MEMORY),
        environment: container
            .env
            .unwrap_or_default()
            .iter()
            .filter_map(|variable| variable.split_once('='))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect(),
        host: standing.host,
        created_at: service.created_at.clone(),
        ..Container::default()
    }
}

fn label<'s>(service: &'s Service, name: &str) -> Option<&'s str> {
    service.spec.as_ref()?.labels.as_ref()?.get(name).map(String::as_str)
}

fn container_id(task: &Task) -> Option<&str> {
    task.status.as_ref()?.container_status.as_ref()?.container_id.as_deref().filter(|id| !id.is_empty())
}

async fn within<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, WorkloadError> {
    match tokio::time::timeout(LIMIT, work).await {
        Ok(outcome) => outcome.map_err(|said| error::workload(&said)),
        Err(_) => Err(WorkloadError::Unreachable(format!("no answer within {} s", LIMIT.as_secs()))),
    }
}
