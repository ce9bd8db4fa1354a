//! Address ranges for the engine's own networks.
//!
//! By default an engine takes the first of its usual ranges without a route, even if the API server, other nodes or
//! their resolvers are in it: the node would then lose its connection to them.

use std::net::IpAddr;

use ipnet::Ipv4Net;

/// Candidate ranges, each with room for all three uses of 16 bits each.
const CANDIDATES: [&str; 3] = ["10.192.0.0/14", "172.24.0.0/14", "100.68.0.0/14"];

/// Address ranges of the engine's networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressSpace {
    /// The default bridge: the engine's own address on it.
    pub bridge: Ipv4Net,
    /// Pool for local networks.
    pub local: Ipv4Net,
    /// Pool for overlay networks, used by the node that initializes the swarm.
    pub overlay: Ipv4Net,
}

impl AddressSpace {
    /// Returns the first candidate that contains none of these addresses.
    pub fn avoiding(addresses: &[IpAddr]) -> Option<Self> {
        let candidates: Vec<Ipv4Net> = CANDIDATES.iter().filter_map(|candidate| candidate.parse().ok()).collect();
        let free = |range: &&Ipv4Net| !addresses.iter().any(|a| matches!(a, IpAddr::V4(a) if range.contains(a)));
        let range = candidates.iter().find(free).or(candidates.first())?;
        let mut parts = range.subnets(16).ok()?;
        let (first, local, overlay) = (parts.next()?, parts.next()?, parts.next()?);
        let bridge = Ipv4Net::new(first.hosts().next()?, 24).ok()?;
        Some(Self { bridge, local, overlay })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bridge(addresses: &[&str]) -> String {
        let addresses: Vec<IpAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
        AddressSpace::avoiding(&addresses).unwrap().bridge.to_string()
    }

    #[test]
    fn a_range_with_an_address_in_it_is_avoided() {
        assert_eq!(bridge(&["172.17.0.1", "172.18.0.2"]), "10.192.0.1/24");
        assert_eq!(bridge(&["10.193.0.7"]), "172.24.0.1/24");
        assert_eq!(bridge(&["10.193.0.7", "172.24.0.1", "100.69.0.1"]), "10.192.0.1/24");
    }
}
