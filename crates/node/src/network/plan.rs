//! The pod networks of all nodes.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use k8s_openapi::api::core::v1::Node as KubeNode;
use kube::ResourceExt;

/// What to configure in the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// This node's own pod range.
    pub own: Ipv4Net,
    /// The other nodes' pod ranges, with the nodes' addresses.
    pub others: BTreeMap<Ipv4Net, Ipv4Addr>,
}

/// The known nodes of the cluster.
#[derive(Debug)]
pub struct Neighbours {
    own: String,
    complete: bool,
    known: BTreeMap<String, (Ipv4Net, Ipv4Addr)>,
}

impl Neighbours {
    /// Starts without other nodes.
    pub fn new(own: &str) -> Self {
        Self { own: own.to_owned(), complete: false, known: BTreeMap::new() }
    }

    /// Starts a new list. There is no plan until it is complete, as an incomplete one would delete routes.
    pub fn clear(&mut self) {
        self.complete = false;
        self.known.clear();
    }

    /// Completes the list.
    pub fn complete(&mut self) {
        self.complete = true;
    }

    /// Adds or updates a node.
    pub fn set(&mut self, node: &KubeNode) {
        match part(node) {
            Some(part) => self.known.insert(node.name_any(), part),
            // Registered, but without a pod range yet.
            None => self.known.remove(&node.name_any()),
        };
    }

    /// Removes a node.
    pub fn remove(&mut self, name: &str) {
        self.known.remove(name);
    }

    /// The plan, once all nodes are listed and this one has its pod range.
    pub fn plan(&self) -> Option<Plan> {
        let (own, _) = self.complete.then(|| self.known.get(&self.own)).flatten()?;
        let others = self.known.iter().filter(|(name, _)| **name != self.own).map(|(_, part)| *part).collect();
        Some(Plan { own: *own, others })
    }
}

fn part(node: &KubeNode) -> Option<(Ipv4Net, Ipv4Addr)> {
    let range = node.spec.as_ref()?.pod_cidr.as_ref()?.parse().ok()?;
    let addresses = node.status.as_ref()?.addresses.as_ref()?;
    let internal = addresses.iter().filter(|address| address.type_ == "InternalIP");
    let address = internal.filter_map(|address| address.address.parse().ok()).next()?;
    Some((range, address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, range: Option<&str>, address: &str) -> KubeNode {
        serde_json::from_value(serde_json::json!({
            "metadata": { "name": name },
            "spec": { "podCIDR": range },
            "status": { "addresses": [
                { "type": "Hostname", "address": name },
                { "type": "InternalIP", "address": address },
            ] },
        }))
        .unwrap()
    }

    #[test]
    fn every_other_node_with_a_range_is_a_neighbour() {
        let mut neighbours = Neighbours::new("a");
        neighbours.set(&node("a", Some("10.100.0.0/24"), "172.18.0.2"));
        neighbours.set(&node("b", Some("10.100.1.0/24"), "172.18.0.3"));
        neighbours.set(&node("c", None, "172.18.0.4"));
        assert_eq!(neighbours.plan(), None, "the listing is not complete");
        neighbours.complete();
        let plan = neighbours.plan().unwrap();
        assert_eq!(plan.own.to_string(), "10.100.0.0/24");
        let others: Vec<_> = plan.others.iter().map(|(range, via)| format!("{range} via {via}")).collect();
        assert_eq!(others, ["10.100.1.0/24 via 172.18.0.3"]);
    }

    #[test]
    fn a_node_that_goes_or_loses_its_range_is_no_neighbour_any_more() {
        let mut neighbours = Neighbours::new("a");
        neighbours.set(&node("a", Some("10.100.0.0/24"), "172.18.0.2"));
        neighbours.set(&node("b", Some("10.100.1.0/24"), "172.18.0.3"));
        neighbours.set(&node("c", Some("10.100.2.0/24"), "172.18.0.4"));
        neighbours.complete();
        neighbours.remove("b");
        neighbours.set(&node("c", None, "172.18.0.4"));
        assert!(neighbours.plan().unwrap().others.is_empty());
    }

    #[test]
    fn without_an_own_range_there_is_no_plan() {
        let mut neighbours = Neighbours::new("a");
        neighbours.set(&node("b", Some("10.100.1.0/24"), "172.18.0.3"));
        neighbours.complete();
        assert_eq!(neighbours.plan(), None);
    }
}
