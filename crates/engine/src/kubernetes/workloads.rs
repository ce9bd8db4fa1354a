//! Pods, services and replication controllers of one cluster (contract workloads-2015 sections 2.3 and 2.4). Each kind
//! has its own file with its calls and its view; here is what they share.

use std::future::Future;
use std::time::Duration;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::{Api, DeleteParams, ListParams, PostParams};
use kube::{Client, Resource, ResourceExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::{FIELD_MANAGER, accounts, error};
use crate::WorkloadError;
use crate::manifest::rules::{NAMESPACE, is_subdomain};

/// How long a request of a user's may wait for the cluster.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);
/// Objects per page of a list, as Kubernetes' own command line asks for.
const PAGE: u32 = 250;
/// Objects that one list may have: a cluster's API can say what it likes, and all of it is held in memory.
const MOST_LISTED: usize = 5_000;

/// The workloads of one cluster, in the namespace `default`.
#[derive(Clone)]
pub struct Workloads {
    pub(super) client: Client,
}

impl Workloads {
    pub(super) fn new(client: Client) -> Self {
        Self { client }
    }

    pub(super) fn api<K>(&self) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), NAMESPACE)
    }

    pub(super) async fn create<K: Object>(&self, object: &K) -> Result<K, WorkloadError> {
        let api = self.api::<K>();
        let parameters = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
        let created = accounts::patiently(REQUEST_LIMIT, || api.create(&parameters, object));
        match within(created).await {
            // The namespace of a cluster that is just coming up, not something of the user's.
            Err(WorkloadError::NotFound(said)) => Err(WorkloadError::Unreachable(said)),
            other => other,
        }
    }

    pub(super) async fn list<K: Object>(&self) -> Result<Vec<K>, WorkloadError> {
        let api = self.api::<K>();
        let listed = within(async {
            let mut parameters = ListParams::default().limit(PAGE);
            let mut items = Vec::new();
            loop {
                let page = api.list(&parameters).await?;
                items.extend(page.items);
                match page.metadata.continue_ {
                    Some(token) if !token.is_empty() && items.len() <= MOST_LISTED => {
                        parameters = parameters.continue_token(&token);
                    }
                    _ => return Ok(items),
                }
            }
        });
        let items = listed.await?;
        if items.len() > MOST_LISTED {
            return Err(WorkloadError::Refused(format!(
                "there are more than {MOST_LISTED}: list them with the cluster's own client (bay config)"
            )));
        }
        Ok(items)
    }

    /// By `metadata.uid` or by name.
    pub(super) async fn find<K: Object>(&self, ident: &str, what: &str) -> Result<K, WorkloadError> {
        let missing = || WorkloadError::NotFound(format!("there is no {what} '{ident}'"));
        if ident.parse::<Uuid>().is_ok() {
            let uid = ident.to_ascii_lowercase();
            if let Some(found) =
                self.list::<K>().await?.into_iter().find(|object| object.uid().as_deref() == Some(&uid))
            {
                return Ok(found);
            }
        }
        // A path is made of the name: nothing that is no name may get there.
        if !is_subdomain(ident) {
            return Err(missing());
        }
        let api = self.api::<K>();
        within(async { api.get_opt(ident).await }).await?.ok_or_else(missing)
    }

    /// Deletes by uid or name, with everything that belongs to it.
    pub(super) async fn remove<K: Object>(&self, ident: &str, what: &str) -> Result<(), WorkloadError> {
        let found: K = self.find(ident, what).await?;
        let api = self.api::<K>();
        // Without the policy Kubernetes would leave the pods of a replication controller behind.
        let parameters = DeleteParams::background();
        match within(async { api.delete(&found.name_any(), &parameters).await.map(|_| ()) }).await {
            Err(WorkloadError::NotFound(_)) => Ok(()),
            other => other,
        }
    }
}

/// What is asked of a kind here.
pub(super) trait Object:
    Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + Serialize
    + DeserializeOwned
    + Clone
    + std::fmt::Debug
    + Send
    + Sync
{
}

impl<K> Object for K where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Serialize
        + DeserializeOwned
        + Clone
        + std::fmt::Debug
        + Send
        + Sync
{
}

pub(super) async fn within<T>(work: impl Future<Output = Result<T, kube::Error>> + Send) -> Result<T, WorkloadError> {
    match tokio::time::timeout(REQUEST_LIMIT, work).await {
        Ok(outcome) => outcome.map_err(|error| error::workload(&error)),
        Err(_) => Err(WorkloadError::Unreachable(format!("no answer within {} s", REQUEST_LIMIT.as_secs()))),
    }
}

/// Creation time of an object on the wire.
pub(super) fn created_at(time: Option<&Time>) -> Option<String> {
    time.map(|time| time.0.to_string())
}
