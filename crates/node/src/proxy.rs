//! Proxy environment variables for a container runtime (contract workloads-2015, row 70).

use std::net::IpAddr;

use ipnet::IpNet;
use jeroboam_types::agent::{Assignment, EngineAssignment};

/// Environment variables, as programs in Go read them. The machine itself, other nodes, pods and services are reached
/// without a proxy. Empty if no proxy is set.
pub fn environment(assignment: &Assignment) -> Vec<(&'static str, String)> {
    of(assignment, own_network(assignment.address))
}

fn of(assignment: &Assignment, own_network: Option<IpNet>) -> Vec<(&'static str, String)> {
    let Some(proxy) = &assignment.proxy else { return Vec::new() };
    let mut exceptions = proxy.exceptions.clone();
    exceptions.extend(["localhost".to_owned(), "127.0.0.1".to_owned(), assignment.address.to_string()]);
    exceptions.extend(own_network.map(|network| network.to_string()));
    if let EngineAssignment::Kubernetes(kubernetes) = &assignment.engine {
        exceptions.extend([kubernetes.pod_cidr.clone(), kubernetes.service_cidr.clone()]);
        exceptions.extend([".svc".to_owned(), format!(".{}", kubernetes.dns_domain)]);
    }
    [("HTTP_PROXY", proxy.http.clone()), ("HTTPS_PROXY", proxy.https.clone()), ("NO_PROXY", Some(exceptions.join(",")))]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

/// The network of the other nodes.
fn own_network(own: IpAddr) -> Option<IpNet> {
    let interfaces = nix::ifaddrs::getifaddrs().ok()?;
    let mut networks = interfaces.filter_map(|interface| {
        let address = interface.address?.as_sockaddr_in()?.ip();
        let mask = interface.netmask?.as_sockaddr_in()?.ip();
        (IpAddr::from(address) == own).then(|| IpNet::with_netmask(address.into(), mask.into()).ok())?
    });
    networks.next().map(|network| network.trunc())
}

#[cfg(test)]
mod tests {
    use jeroboam_types::agent::{Proxy, SwarmAssignment};

    use super::*;
    use crate::kubernetes::testing;

    fn proxied() -> Assignment {
        let mut assignment = testing::worker("v1.37.2").assignment;
        let exceptions = vec![".example.org".to_owned()];
        assignment.proxy = Some(Proxy { http: Some("http://proxy:3128".to_owned()), https: None, exceptions });
        assignment
    }

    #[test]
    fn what_belongs_to_the_cluster_is_reached_without() {
        let network = "172.18.0.0/16".parse().ok();
        let all =
            ".example.org,localhost,127.0.0.1,172.18.0.3,172.18.0.0/16,10.100.0.0/16,10.254.0.0/16,.svc,.cluster.local";
        let expected = [("HTTP_PROXY", "http://proxy:3128".to_owned()), ("NO_PROXY", all.to_owned())];
        assert_eq!(of(&proxied(), network), expected);
    }

    #[test]
    fn a_swarm_has_no_networks_of_pods() {
        let mut assignment = proxied();
        let swarm = SwarmAssignment { ca: "CA".to_owned(), api_port: 2376, membership: None };
        assignment.engine = EngineAssignment::Swarm(swarm);
        assert_eq!(of(&assignment, None)[1].1, ".example.org,localhost,127.0.0.1,172.18.0.3");
    }

    #[test]
    fn without_a_proxy_there_is_nothing_to_say() {
        assert_eq!(environment(&testing::worker("v1.37.2").assignment), []);
    }

    #[test]
    fn the_network_of_an_address_is_found() {
        assert_eq!(own_network([127, 0, 0, 1].into()), "127.0.0.0/8".parse().ok());
        assert_eq!(own_network([203, 0, 113, 1].into()), None);
    }
}
