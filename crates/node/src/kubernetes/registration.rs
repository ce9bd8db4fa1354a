//! The objects that a master creates in a new cluster through its API: the agents' role, the label and taint of
//! masters, and the DNS service. Also some that Kubernetes creates itself, but late: the API server creates its
//! built-in roles one after the other, 50 requests a second, and nothing that needs one works for the first four
//! seconds.
//!
//! Every master does this, and repeats it after a restart: all requests are idempotent.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Node as KubeNode, Service, ServiceAccount};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use kube::Client;
use kube::api::{Api, Patch, PatchParams};
use serde_json::{Value, json};

use super::kube_proxy;
use super::node::{CONTROL_PLANE, Node};

/// User name of the agents (common name of their certificate); also the name of their role.
const AGENT: &str = "jeroboam:node";

/// Name of kube-proxy's role, which exists from the start.
const PROXY: &str = "jeroboam:kube-proxy";

/// Field manager of the changes.
const MANAGER: &str = "jeroboam-node";

/// kube-proxy ignores services with this label (since 1.14).
const OTHER_PROXY: &str = "service.kubernetes.io/service-proxy-name";

/// Delay between attempts, while the API server starts or kubelet has not registered yet.
const RETRY: Duration = Duration::from_millis(200);

/// Number of failed attempts before one is logged.
const QUIET_ATTEMPTS: u32 = 25;

/// Creates all objects, with a client that may do anything. Refusals are temporary and retried.
pub async fn ensure(node: &Node, client: Client) {
    let apply = PatchParams::apply(MANAGER).force();
    let roles = Api::<ClusterRole>::all(client.clone());
    let role = Patch::Apply(role());
    until("giving agents their role", || roles.patch(AGENT, &apply, &role)).await;
    let bindings = Api::<ClusterRoleBinding>::all(client.clone());
    let own = Patch::Apply(binding(AGENT, AGENT));
    until("binding agents to their role", || bindings.patch(AGENT, &apply, &own)).await;
    let proxys = Patch::Apply(proxy_role());
    until("giving kube-proxy its role", || roles.patch(PROXY, &apply, &proxys)).await;
    let proxys = Patch::Apply(binding(PROXY, kube_proxy::USER));
    until("binding kube-proxy to its role", || bindings.patch(PROXY, &apply, &proxys)).await;
    let accounts = Api::<ServiceAccount>::namespaced(client.clone(), "default");
    let account = Patch::Apply(default_account());
    until("making the account that pods run as", || accounts.patch("default", &apply, &account)).await;
    let services = Api::<Service>::namespaced(client.clone(), "kube-system");
    let service = Patch::Apply(dns_service(node));
    until("reserving the DNS address", || services.patch("kube-dns", &apply, &service)).await;
    let nodes = Api::<KubeNode>::all(client);
    let labels = Patch::Merge(role_labels());
    let merge = PatchParams::default();
    until("labelling this node", || nodes.patch(&node.assignment.name, &merge, &labels)).await;
}

async fn until<T, F: Future<Output = kube::Result<T>>>(what: &str, mut attempt: impl FnMut() -> F) {
    let mut attempts = 0u32;
    while let Err(error) = attempt().await {
        attempts += 1;
        if attempts.is_multiple_of(QUIET_ATTEMPTS) {
            tracing::warn!(%error, "{what}");
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// What network and DNS read.
fn role() -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": { "name": AGENT },
        "rules": [{
            "apiGroups": [""],
            "resources": ["nodes", "services", "endpoints", "namespaces"],
            "verbs": ["get", "list", "watch"],
        }, {
            "apiGroups": ["discovery.k8s.io"],
            "resources": ["endpointslices"],
            "verbs": ["get", "list", "watch"],
        }],
    })
}

/// The rules of the built-in role `system:node-proxier`.
fn proxy_role() -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": { "name": PROXY },
        "rules": [{
            "apiGroups": [""],
            "resources": ["services", "endpoints"],
            "verbs": ["list", "watch"],
        }, {
            "apiGroups": [""],
            "resources": ["nodes"],
            "verbs": ["get", "list", "watch"],
        }, {
            "apiGroups": ["", "events.k8s.io"],
            "resources": ["events"],
            "verbs": ["create", "patch", "update"],
        }, {
            "apiGroups": ["discovery.k8s.io"],
            "resources": ["endpointslices"],
            "verbs": ["list", "watch"],
        }, {
            "apiGroups": ["networking.k8s.io"],
            "resources": ["servicecidrs"],
            "verbs": ["list", "watch"],
        }],
    })
}

fn binding(role: &str, user: &str) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": { "name": role },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role },
        "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user }],
    })
}

/// The default service account, without which no pod is admitted.
fn default_account() -> Value {
    json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": "default", "namespace": "default" } })
}

/// Reserves the DNS address, so that no other service gets it. The label makes kube-proxy ignore the service: it would
/// reject packets to a service without endpoints, and the DNS server on each node would never see them.
fn dns_service(node: &Node) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "kube-dns",
            "namespace": "kube-system",
            "labels": { "k8s-app": "kube-dns", (OTHER_PROXY): MANAGER },
        },
        "spec": {
            "clusterIP": node.kubernetes.dns_address,
            "ports": [
                { "name": "dns", "port": 53, "protocol": "UDP" },
                { "name": "dns-tcp", "port": 53, "protocol": "TCP" },
            ],
        },
    })
}

/// Labels that kubelets may not set themselves.
fn role_labels() -> Value {
    json!({ "metadata": { "labels": { (CONTROL_PLANE): "" } } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::testing;

    #[test]
    fn the_dns_address_is_reserved_and_left_alone_by_kube_proxy() {
        let service = dns_service(&testing::master("v1.37.2"));
        assert_eq!(service["spec"]["clusterIP"], "10.254.0.10");
        assert_eq!(service["metadata"]["labels"][OTHER_PROXY], MANAGER);
    }
}
