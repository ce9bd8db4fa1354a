//! Pods, services and replication controllers of one cluster (contract workloads-2015 sections 2.3 and 2.4). The calls
//! are the same for every kind; each kind has its own file with its view.

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
use crate::manifest::{Kind, Manifest};

/// How long a user's request may wait for the cluster.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);
/// Objects per page of a list, as in kubectl.
const PAGE: u32 = 250;
/// Most objects that one list may have: a cluster's API can return any number, and all are held in memory.
const MOST_LISTED: usize = 5_000;

/// A kind of workload in a Kubernetes cluster, as users see it.
pub trait Workload: Sized + Send {
    /// Kubernetes' object of this kind.
    type Object: Kind + Object;
    /// Name of the kind in messages.
    const NOUN: &'static str;

    /// The users' view of an object. The caller sets `bay_uuid` and `links`.
    fn view(object: &Self::Object) -> Self;

    /// Adds details that take another request to the cluster, when a single object is shown.
    fn explain(self, _workloads: &Workloads) -> impl Future<Output = Self> + Send {
        std::future::ready(self)
    }
}

/// A manifest of a kind.
pub type ManifestOf<W> = Manifest<<W as Workload>::Object>;

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

    /// Creates one from a manifest.
    ///
    /// # Errors
    /// Kubernetes' refusal, or that it does not answer.
    pub async fn create<W: Workload>(&self, manifest: &ManifestOf<W>) -> Result<W, WorkloadError> {
        let api = self.api::<W::Object>();
        let parameters = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
        let created = accounts::patiently(REQUEST_LIMIT, || api.create(&parameters, manifest.object()));
        match within(created).await {
            // The namespace is missing because the cluster is still starting; the request is not at fault.
            Err(WorkloadError::NotFound(said)) => Err(WorkloadError::Unreachable(said)),
            other => other.map(|object| W::view(&object)),
        }
    }

    /// All of a kind.
    ///
    /// # Errors
    /// As above; [`WorkloadError::Refused`] when there are too many.
    pub async fn list<W: Workload>(&self) -> Result<Vec<W>, WorkloadError> {
        Ok(self.objects::<W::Object>().await?.iter().map(W::view).collect())
    }

    /// One by uid or name, with all details.
    ///
    /// # Errors
    /// As above; [`WorkloadError::NotFound`] when there is none.
    pub async fn get<W: Workload>(&self, ident: &str) -> Result<W, WorkloadError> {
        let object = self.find::<W>(ident).await?;
        Ok(W::view(&object).explain(self).await)
    }

    /// Deletes by uid or name, dependents included.
    ///
    /// # Errors
    /// As above.
    pub async fn delete<W: Workload>(&self, ident: &str) -> Result<(), WorkloadError> {
        let found = self.find::<W>(ident).await?;
        let api = self.api::<W::Object>();
        // Without the policy Kubernetes would leave the pods of a replication controller behind.
        let parameters = DeleteParams::background();
        match within(async { api.delete(&found.name_any(), &parameters).await.map(|_| ()) }).await {
            Err(WorkloadError::NotFound(_)) => Ok(()),
            other => other,
        }
    }

    async fn objects<K: Object>(&self) -> Result<Vec<K>, WorkloadError> {
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

    /// Finds by `metadata.uid` or by name.
    async fn find<W: Workload>(&self, ident: &str) -> Result<W::Object, WorkloadError> {
        let missing = || WorkloadError::NotFound(format!("there is no {} '{ident}'", W::NOUN));
        if ident.parse::<Uuid>().is_ok() {
            let uid = ident.to_ascii_lowercase();
            let mut objects = self.objects::<W::Object>().await?.into_iter();
            if let Some(found) = objects.find(|object| object.uid().as_deref() == Some(&uid)) {
                return Ok(found);
            }
        }
        // The name becomes part of a URL path: only valid names may get there.
        if !is_subdomain(ident) {
            return Err(missing());
        }
        let api = self.api::<W::Object>();
        within(async { api.get_opt(ident).await }).await?.ok_or_else(missing)
    }
}

/// Requirements on the objects of a kind.
pub trait Object:
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
