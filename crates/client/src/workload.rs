//! Pods, services and replication controllers of Kubernetes clusters: three kinds with the same calls.

use jeroboam_types::v1::{
    Pod, PodList, ReplicationController, ReplicationControllerList, Service, ServiceList, WorkloadCreate,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Result;
use crate::session::{Call, Client};

/// A kind of workload in a Kubernetes cluster.
pub trait Workload: DeserializeOwned + Serialize + Send {
    /// Path of its route below `/v1`.
    const ROUTE: &'static str;
    /// Response body of a list.
    type List: DeserializeOwned;
    /// Extracts the items of a list.
    fn items(list: Self::List) -> Vec<Self>;
}

impl Workload for Pod {
    const ROUTE: &'static str = "pods";
    type List = PodList;
    fn items(list: PodList) -> Vec<Self> {
        list.pods
    }
}

impl Workload for Service {
    const ROUTE: &'static str = "services";
    type List = ServiceList;
    fn items(list: ServiceList) -> Vec<Self> {
        list.services
    }
}

impl Workload for ReplicationController {
    const ROUTE: &'static str = "rcs";
    type List = ReplicationControllerList;
    fn items(list: ReplicationControllerList) -> Vec<Self> {
        list.rcs
    }
}

impl Client {
    /// Returns all of a cluster.
    ///
    /// # Errors
    /// 404 when there is no such cluster.
    pub async fn workloads<W: Workload>(&self, cluster: &str) -> Result<Vec<W>> {
        let list: W::List = self.json(Call::get(&[W::ROUTE]).bay(Some(cluster))).await?;
        Ok(W::items(list))
    }

    /// Returns one by id or name.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn workload<W: Workload>(&self, cluster: &str, ident: &str) -> Result<W> {
        self.json(Call::get(&[W::ROUTE, ident]).bay(Some(cluster))).await
    }

    /// Creates one from a manifest.
    ///
    /// # Errors
    /// 400 names the error in the manifest, 409 when one with this name exists.
    pub async fn create_workload<W: Workload>(&self, body: &WorkloadCreate) -> Result<W> {
        self.json(Call::post(&[W::ROUTE]).body(body)?).await
    }

    /// Deletes one.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn delete_workload<W: Workload>(&self, cluster: &str, ident: &str) -> Result<()> {
        self.nothing(Call::delete(&[W::ROUTE, ident]).bay(Some(cluster))).await
    }
}
