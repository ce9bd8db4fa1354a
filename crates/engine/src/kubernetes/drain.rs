//! Draining a node: it is cordoned, and its pods are evicted.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Node, Pod};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams};
use kube::{Client, ResourceExt as _};
use serde_json::json;
use tokio::time::Instant;

use super::{FIELD_MANAGER, LIMIT, node, within};
use crate::Result;

/// How long evictions may take, disruption budgets and grace periods included. After that the pods are deleted: the
/// machine is removed in any case, as requested.
const DRAIN_LIMIT: Duration = Duration::from_secs(30);
/// Longest grace period of a pod between SIGTERM and SIGKILL; below [`DRAIN_LIMIT`], so that the kubelet stops the pod
/// before we delete it.
const GRACE_SECONDS: u32 = 20;
/// Between two checks whether pods are gone. The API server answers these from its cache.
const LOOK_INTERVAL: Duration = Duration::from_millis(300);
/// Version of the eviction API.
const EVICTION_VERSION: &str = "policy/v1";

pub(super) async fn drain(client: &Client, name: &str) -> Result<()> {
    if !crate::manifest::rules::is_subdomain(name) {
        return Ok(());
    }
    let Some(ready) = within(LIMIT, "cordoning a node", cordon(client, name)).await? else {
        return Ok(());
    };
    let deadline = Instant::now() + DRAIN_LIMIT;
    if ready {
        loop {
            let pods = within(LIMIT, "listing a node's pods", pods(client, name)).await?;
            if pods.is_empty() {
                return Ok(());
            }
            if Instant::now() >= deadline {
                tracing::warn!(node = name, pods = pods.len(), "pods did not leave the node in time, deleting them");
                break;
            }
            for pod in pods.iter().filter(|pod| pod.metadata.deletion_timestamp.is_none()) {
                within(LIMIT, "evicting a pod", evict(client, pod)).await?;
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }
    // The kubelet is gone or was too slow, and does not confirm that a pod has stopped.
    for pod in within(LIMIT, "listing a node's pods", pods(client, name)).await? {
        within(LIMIT, "deleting a pod", delete(client, &pod)).await?;
    }
    Ok(())
}

/// Cordons the node. `None` when there is none, else whether its kubelet answers.
async fn cordon(client: &Client, name: &str) -> std::result::Result<Option<bool>, kube::Error> {
    let parameters = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    let closed = Patch::Merge(json!({"spec": {"unschedulable": true}}));
    match Api::<Node>::all(client.clone()).patch(name, &parameters, &closed).await {
        Ok(node) => Ok(Some(node::readiness(&node).0)),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
        Err(error) => Err(error),
    }
}

/// The pods on the node that have to be evicted.
async fn pods(client: &Client, node: &str) -> std::result::Result<Vec<Pod>, kube::Error> {
    let on_node = ListParams::default().fields(&format!("spec.nodeName={node}"));
    let mut pods = Api::<Pod>::all(client.clone()).list(&on_node).await?.items;
    pods.retain(has_to_go);
    Ok(pods)
}

/// Not pods of daemon sets, nor static pods, nor those that have finished.
fn has_to_go(pod: &Pod) -> bool {
    let by_daemon_set = pod.owner_references().iter().any(|owner| owner.kind == "DaemonSet");
    let by_kubelet = pod.annotations().contains_key("kubernetes.io/config.mirror");
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    !by_daemon_set && !by_kubelet && !matches!(phase, Some("Succeeded" | "Failed"))
}

/// Requests the pod's eviction. A disruption budget may refuse that for now: it is retried at the next check.
async fn evict(client: &Client, pod: &Pod) -> std::result::Result<(), kube::Error> {
    match request_eviction(client, pod).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 429) => Ok(()),
        // 500: several budgets cover the pod, which evictions cannot handle. It is deleted at the deadline.
        Err(kube::Error::Api(status)) if status.code == 500 => {
            tracing::warn!(pod = pod.name_any(), said = status.message, "the pod cannot be evicted");
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Built here because kube's own call sends neither the version nor the grace period in a form that the server reads.
async fn request_eviction(client: &Client, pod: &Pod) -> std::result::Result<serde_json::Value, kube::Error> {
    let (name, namespace) = (pod.name_any(), pod.namespace().unwrap_or_default());
    let own_grace = pod.spec.as_ref().and_then(|spec| spec.termination_grace_period_seconds);
    let grace = own_grace.unwrap_or(i64::from(GRACE_SECONDS)).min(i64::from(GRACE_SECONDS));
    let body = json!({
        "apiVersion": EVICTION_VERSION,
        "kind": "Eviction",
        "metadata": {"name": name, "namespace": namespace},
        "deleteOptions": {"gracePeriodSeconds": grace},
    });
    let request = http::Request::post(format!("/api/v1/namespaces/{namespace}/pods/{name}/eviction"))
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(body.to_string().into_bytes())
        .map_err(kube::Error::HttpError)?;
    client.request(request).await
}

async fn delete(client: &Client, pod: &Pod) -> std::result::Result<(), kube::Error> {
    let api: Api<Pod> = Api::namespaced(client.clone(), &pod.namespace().unwrap_or_default());
    match api.delete(&pod.name_any(), &DeleteParams::default().grace_period(0)).await {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        other => other.map(|_| ()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(json: serde_json::Value) -> Pod {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn pods_that_belong_to_the_node_stay() {
        assert!(has_to_go(&pod(json!({"metadata": {"name": "a"}, "status": {"phase": "Running"}}))));
        assert!(has_to_go(&pod(json!({"metadata": {"name": "a"}, "status": {"phase": "Pending"}}))));
        assert!(!has_to_go(&pod(json!({"metadata": {"name": "a"}, "status": {"phase": "Succeeded"}}))));
        let mirror = json!({"metadata": {"name": "a", "annotations": {"kubernetes.io/config.mirror": "x"}}});
        assert!(!has_to_go(&pod(mirror)));
        let owner = json!([{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "d", "uid": "u"}]);
        assert!(!has_to_go(&pod(json!({"metadata": {"name": "a", "ownerReferences": owner}}))));
    }
}
