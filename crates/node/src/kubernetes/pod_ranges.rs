//! Assigns a pod range to every node, on masters.
//!
//! kube-controller-manager could do this, but it waits 10 s before it handles its first node, and blocks its other
//! controllers meanwhile. Here all masters do it together: the ranges are stored in one object of the cluster, which
//! only one of them can change at a time (optimistic locking by its resource version), and are copied to the nodes from
//! there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::StreamExt;
use ipnet::Ipv4Net;
use k8s_openapi::api::core::v1::{ConfigMap, Node as KubeNode};
use kube::api::{Api, ObjectMeta, Patch, PatchParams, PostParams};
use kube::runtime::watcher::{self, Event};
use kube::{Client, ResourceExt};
use serde_json::json;

use super::node::Node;
use crate::board::Board;
use crate::fault::{Code, Fault};
use crate::watching::Patience;

/// The object with the ranges, in `kube-system`.
const OBJECT: &str = "jeroboam-pod-ranges";

/// Node names and their ranges.
type Ranges = BTreeMap<String, Ipv4Net>;

/// Assigns ranges to new nodes, forever.
///
/// # Errors
/// When the pod network is invalid. Failures of the API server are retried.
pub async fn run(node: Arc<Node>, client: Client, board: Arc<Board>) -> Result<(), Fault> {
    let invalid = |what: String| Fault::permanent(Code::AssignmentInvalid, crate::network::NAME, what);
    let kubernetes = &node.kubernetes;
    let network: Ipv4Net = kubernetes
        .pod_cidr
        .parse()
        .map_err(|_| invalid(format!("{:?} is not an IPv4 network for pods", kubernetes.pod_cidr)))?;
    let prefix = kubernetes.node_prefix;
    if network.subnets(prefix).is_err() {
        return Err(invalid(format!("{network} cannot be divided into parts of /{prefix}")));
    }

    let nodes = Api::<KubeNode>::all(client.clone());
    let objects = Api::<ConfigMap>::namespaced(client, "kube-system");
    let mut patience = Patience::new(crate::network::NAME, board);
    let mut known: Ranges = BTreeMap::new();
    let mut waiting: BTreeSet<String> = BTreeSet::new();
    let mut events = watcher::watcher(nodes.clone(), watcher::Config::default()).boxed();
    let mut complete = false;
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Init) => {
                complete = false;
                known.clear();
                waiting.clear();
            }
            Ok(Event::Apply(node) | Event::InitApply(node)) => note(&node, &mut known, &mut waiting),
            Ok(Event::Delete(node)) => {
                known.remove(&node.name_any());
                waiting.remove(&node.name_any());
            }
            Ok(Event::InitDone) => complete = true,
            Err(error) => {
                patience.wait(&error).await;
                continue;
            }
        }
        patience.reset();
        while complete && !waiting.is_empty() {
            match give(&nodes, &objects, network, prefix, &known, &waiting).await {
                Ok(given) => {
                    known.extend(given);
                    waiting.clear();
                }
                // Another master changed it concurrently, or the API server does not answer: try again.
                Err(error) => patience.wait_for("assigning pod ranges to nodes", &error).await,
            }
        }
    }
    Ok(())
}

fn note(node: &KubeNode, known: &mut Ranges, waiting: &mut BTreeSet<String>) {
    let name = node.name_any();
    match node.spec.as_ref().and_then(|spec| spec.pod_cidr.as_ref()).and_then(|range| range.parse().ok()) {
        Some(range) => {
            waiting.remove(&name);
            known.insert(name, range);
        }
        None => {
            // A node that was deleted and registered again under its name needs a range again.
            known.remove(&name);
            waiting.insert(name);
        }
    }
}

/// Writes ranges for the waiting nodes to the object, then copies them to the nodes.
async fn give(
    nodes: &Api<KubeNode>,
    objects: &Api<ConfigMap>,
    network: Ipv4Net,
    prefix: u8,
    known: &Ranges,
    waiting: &BTreeSet<String>,
) -> kube::Result<Ranges> {
    let object = objects.get_opt(OBJECT).await?;
    let written: Ranges = object
        .iter()
        .flat_map(|object| object.data.iter().flatten())
        .filter_map(|(name, range)| Some((name.clone(), range.parse().ok()?)))
        .collect();
    let planned = plan(network, prefix, known, &written, waiting);
    if planned != written {
        let data = planned.iter().map(|(name, range)| (name.clone(), range.to_string())).collect();
        match object {
            Some(mut object) => {
                object.data = Some(data);
                objects.replace(OBJECT, &PostParams::default(), &object).await?;
            }
            None => {
                let metadata = ObjectMeta { name: Some(OBJECT.to_owned()), ..ObjectMeta::default() };
                let object = ConfigMap { metadata, data: Some(data), ..ConfigMap::default() };
                objects.create(&PostParams::default(), &object).await?;
            }
        }
    }
    let mut given = Ranges::new();
    for name in waiting {
        let Some(range) = planned.get(name) else {
            tracing::error!(node = name, "the pod network {network} has no free /{prefix} range left");
            continue;
        };
        let patch = json!({ "spec": { "podCIDR": range.to_string(), "podCIDRs": [range.to_string()] } });
        match nodes.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await {
            Ok(_) => {}
            // The node was deleted, or another master assigned the same range concurrently.
            Err(kube::Error::Api(status)) if status.code == 404 || status.code == 422 => continue,
            Err(error) => return Err(error),
        }
        given.insert(name.clone(), *range);
    }
    Ok(given)
}

/// Every node keeps its range; a waiting node gets the one that was recorded for it before, or else the first free one.
/// Ranges of deleted nodes are free.
fn plan(network: Ipv4Net, prefix: u8, known: &Ranges, written: &Ranges, waiting: &BTreeSet<String>) -> Ranges {
    let mut planned = known.clone();
    let mut taken: BTreeSet<Ipv4Net> = known.values().copied().collect();
    for name in waiting {
        if let Some(range) = written.get(name)
            && !taken.contains(range)
        {
            taken.insert(*range);
            planned.insert(name.clone(), *range);
        }
    }
    let mut free = network.subnets(prefix).into_iter().flatten().filter(|range| !taken.contains(range));
    for name in waiting {
        if !planned.contains_key(name)
            && let Some(range) = free.next()
        {
            planned.insert(name.clone(), range);
        }
    }
    planned
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(entries: &[(&str, &str)]) -> Ranges {
        entries.iter().map(|(name, range)| ((*name).to_owned(), range.parse().unwrap())).collect()
    }

    fn planned(known: &[(&str, &str)], written: &[(&str, &str)], waiting: &[&str]) -> Ranges {
        let waiting = waiting.iter().map(|name| (*name).to_owned()).collect();
        plan("10.100.0.0/22".parse().unwrap(), 24, &ranges(known), &ranges(written), &waiting)
    }

    #[test]
    fn nodes_get_the_first_free_parts() {
        assert_eq!(
            planned(&[("b", "10.100.1.0/24")], &[], &["a", "c"]),
            ranges(&[("a", "10.100.0.0/24"), ("b", "10.100.1.0/24"), ("c", "10.100.2.0/24")])
        );
    }

    #[test]
    fn what_was_written_down_but_not_yet_copied_is_kept() {
        assert_eq!(planned(&[], &[("c", "10.100.3.0/24")], &["a", "c"])["c"].to_string(), "10.100.3.0/24");
    }

    #[test]
    fn a_part_written_for_a_node_that_is_gone_is_given_again() {
        assert_eq!(planned(&[], &[("old", "10.100.0.0/24")], &["new"]), ranges(&[("new", "10.100.0.0/24")]));
    }

    #[test]
    fn when_nothing_is_left_the_last_ones_wait() {
        let planned = planned(&[], &[], &["a", "b", "c", "d", "e"]);
        assert_eq!(planned.len(), 4);
        assert!(!planned.contains_key("e"));
    }
}
