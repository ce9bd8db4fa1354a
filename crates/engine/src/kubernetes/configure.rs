//! The objects that we need in a Kubernetes cluster, besides those that its API server creates:
//!
//! - a role by which the agents watch nodes, services and endpoints, from which they make routes and cluster DNS;
//! - a service that reserves the address of cluster DNS;
//! - in a new cluster, the Pod Security Standard of the namespace for workloads. Later its users decide about it.
//!
//! All but the last are applied server-side, so that repeating it changes nothing.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use jeroboam_model::labels::{KubernetesLabels, PodSecurity};
use jeroboam_model::{Cause, CauseExt as _, Cluster, Code, Status};
use k8s_openapi::api::core::v1::{Namespace, Service, ServicePort, ServiceSpec};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, PolicyRule, RoleRef, Subject};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Api, Patch, PatchParams};
use kube::{Client, Resource, ResourceExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::{FIELD_MANAGER, LIMIT, within};
use crate::Result;
use crate::manifest::rules::NAMESPACE;

/// The user that the agents' own certificate names (profile `NodeAgent` of the agent protocol), and its role.
const AGENT: &str = "jeroboam:node";
/// Offset of the cluster DNS address in the service network, as in kubeadm.
const DNS_HOST_NUMBER: u32 = 10;
/// Port of DNS.
const DNS_PORT: i32 = 53;
/// kube-proxy leaves services with this label alone.
const OTHER_PROXY: &str = "service.kubernetes.io/service-proxy-name";
/// Label of a namespace: the Pod Security Standard that is enforced on its pods.
const POD_SECURITY: &str = "pod-security.kubernetes.io/enforce";
/// Label of objects that we created.
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

pub(super) async fn configure(client: &Client, cluster: &Cluster) -> Result<()> {
    let labels = KubernetesLabels::read(&cluster.labels).map_err(|error| {
        Cause::operator(
            Code::EngineRefused,
            format!("The cluster's label {} cannot be used: {}", error.field, error.message),
            "Delete the cluster and recreate it with another value",
        )
    })?;
    // Only in a new cluster: in one that is in use, this could refuse pods that were admitted before.
    if cluster.status == Status::CreateInProgress {
        secure(client, labels.pod_security).await?;
    }
    apply(client, &agent_role(), "giving the agents their role").await?;
    apply(client, &agent_binding(), "giving the agents their role").await?;
    let dns = dns_address(labels.service_cidr.network());
    let services: Api<Service> = Api::namespaced(client.clone(), "kube-system");
    within(LIMIT, "taking the address of cluster DNS", async {
        services.patch("kube-dns", &parameters(), &Patch::Apply(&dns_service(dns))).await
    })
    .await?;
    Ok(())
}

/// Enforces this level in the namespace for workloads, unless its label is set already.
async fn secure(client: &Client, level: PodSecurity) -> Result<()> {
    let doing = "limiting what pods may do";
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let namespace = within(LIMIT, doing, namespaces.get(NAMESPACE)).await?;
    if namespace.labels().contains_key(POD_SECURITY) {
        return Ok(());
    }
    let patch = json!({"metadata": {"labels": {POD_SECURITY: level.to_string()}}});
    let parameters = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    within(LIMIT, doing, async { namespaces.patch(NAMESPACE, &parameters, &Patch::Merge(&patch)).await }).await?;
    Ok(())
}

async fn apply<K>(client: &Client, object: &K, doing: &str) -> Result<()>
where
    K: Resource<DynamicType = (), Scope = k8s_openapi::ClusterResourceScope>
        + Serialize
        + DeserializeOwned
        + Clone
        + std::fmt::Debug
        + Sync,
{
    let api: Api<K> = Api::all(client.clone());
    let name = object.meta().name.clone().unwrap_or_default();
    within(LIMIT, doing, async { api.patch(&name, &parameters(), &Patch::Apply(object)).await }).await?;
    Ok(())
}

/// Forced: we take back fields of these objects that another manager has taken over.
fn parameters() -> PatchParams {
    PatchParams::apply(FIELD_MANAGER).force()
}

fn metadata(name: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        labels: Some(BTreeMap::from([(MANAGED_BY.to_owned(), FIELD_MANAGER.to_owned())])),
        ..ObjectMeta::default()
    }
}

/// Read-only. Without pods: routes need nodes, names need services and endpoints.
fn agent_role() -> ClusterRole {
    let watch = |group: &str, resources: &[&str]| PolicyRule {
        api_groups: Some(vec![group.to_owned()]),
        resources: Some(resources.iter().map(|&name| name.to_owned()).collect()),
        verbs: ["get", "list", "watch"].map(ToOwned::to_owned).to_vec(),
        ..PolicyRule::default()
    };
    ClusterRole {
        metadata: metadata(AGENT),
        rules: Some(vec![
            watch("", &["nodes", "services", "endpoints", "namespaces"]),
            watch("discovery.k8s.io", &["endpointslices"]),
        ]),
        ..ClusterRole::default()
    }
}

fn agent_binding() -> ClusterRoleBinding {
    ClusterRoleBinding {
        metadata: metadata(AGENT),
        role_ref: RoleRef {
            api_group: Some("rbac.authorization.k8s.io".to_owned()),
            kind: "ClusterRole".to_owned(),
            name: AGENT.to_owned(),
        },
        subjects: Some(vec![Subject {
            api_group: Some("rbac.authorization.k8s.io".to_owned()),
            kind: "User".to_owned(),
            name: AGENT.to_owned(),
            namespace: None,
        }]),
    }
}

/// The address of cluster DNS.
fn dns_address(service_network: Ipv4Addr) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(service_network).saturating_add(DNS_HOST_NUMBER))
}

/// The service that reserves the address of cluster DNS, under its customary name.
///
/// Every agent answers DNS at this address on its own node. kube-proxy must therefore ignore the service: it would
/// reject all traffic to a service without endpoints, or send it elsewhere. [`OTHER_PROXY`] marks it as handled by
/// another proxy.
fn dns_service(address: Ipv4Addr) -> Service {
    let mut metadata = metadata("kube-dns");
    let labels = metadata.labels.get_or_insert_default();
    labels.insert(OTHER_PROXY.to_owned(), "jeroboam-node".to_owned());
    labels.insert("k8s-app".to_owned(), "kube-dns".to_owned());
    let port = |name: &str, protocol: &str| ServicePort {
        name: Some(name.to_owned()),
        port: DNS_PORT,
        protocol: Some(protocol.to_owned()),
        ..ServicePort::default()
    };
    Service {
        metadata,
        spec: Some(ServiceSpec {
            cluster_ip: Some(address.to_string()),
            ports: Some(vec![port("dns", "UDP"), port("dns-tcp", "TCP")]),
            ..ServiceSpec::default()
        }),
        ..Service::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cluster_dns_has_the_tenth_address() {
        assert_eq!(dns_address(Ipv4Addr::new(10, 254, 0, 0)), Ipv4Addr::new(10, 254, 0, 10));
        assert_eq!(dns_address(Ipv4Addr::new(10, 254, 7, 0)), Ipv4Addr::new(10, 254, 7, 10));
    }

    #[test]
    fn the_agents_may_only_read() {
        for rule in agent_role().rules.unwrap() {
            assert_eq!(rule.verbs, ["get", "list", "watch"]);
            assert!(!rule.resources.unwrap().iter().any(|name| name == "secrets" || name == "*"));
        }
    }
}
