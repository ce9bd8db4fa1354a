//! Addresses of clusters' networks and nodes. Pure functions.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::Ipv4Net;
use jeroboam_model::{Cause, CauseExt, Code};
use uuid::Uuid;

/// Size of a cluster's network: a /24 has room for some 240 nodes, and a /16 pool for 256 clusters.
pub(super) const PREFIX: u8 = 24;

/// Offset of slot 0: the gateway has 1; the others below are free for containers that people attach by hand.
const FIRST_NODE: u32 = 10;

/// A subnet of the pool that overlaps none of `taken`. The start of the search depends on the cluster, so that
/// clusters created at the same time rarely get the same one, and a recreated network gets its old one back.
pub(super) fn free(pool: Ipv4Net, taken: &[Ipv4Net], cluster: Uuid) -> Option<Ipv4Net> {
    let count = 1_u128 << PREFIX.checked_sub(pool.prefix_len())?;
    let start = usize::try_from(cluster.as_u128() % count).ok()?;
    let touches = |subnet: &Ipv4Net| taken.iter().any(|other| other.contains(subnet) || subnet.contains(other));
    let subnets = || pool.subnets(PREFIX).into_iter().flatten();
    subnets().skip(start).chain(subnets().take(start)).find(|subnet| !touches(subnet))
}

/// The address of the node in this slot.
pub(super) fn address(subnet: Ipv4Net, slot: u32) -> Result<Ipv4Addr, Cause> {
    let host = FIRST_NODE.saturating_add(slot);
    if host >= u32::from(subnet.hostmask()) {
        return Err(Cause::user(
            Code::TooManyNodes,
            format!("The cluster's network {subnet} has no address for its node number {slot}."),
            format!("Use at most {} nodes per cluster.", u32::from(subnet.hostmask()).saturating_sub(FIRST_NODE)),
        ));
    }
    Ok(Ipv4Addr::from(u32::from(subnet.network()) + host))
}

/// The slot of the node that has this address.
pub(super) fn slot(address: IpAddr) -> Option<u32> {
    let IpAddr::V4(address) = address else { return None };
    (u32::from(address) & u32::from(Ipv4Net::new_assert(address, PREFIX).hostmask())).checked_sub(FIRST_NODE)
}

/// The network's gateway.
pub(super) fn gateway(subnet: Ipv4Net) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(subnet.network()) + 1)
}

/// The routes of a machine within the pool, from its `/proc/net/route`. Wider ones (a default route, a VPN's) do no
/// harm: the cluster's own route is more specific and wins.
pub(super) fn routes_inside(pool: Ipv4Net, table: &str) -> Vec<Ipv4Net> {
    let number = |text: Option<&&str>| u32::from_str_radix(text?, 16).ok().map(|hex| Ipv4Addr::from(hex.to_ne_bytes()));
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            Ipv4Net::with_netmask(number(fields.get(1))?, number(fields.get(7))?).ok()
        })
        .filter(|route| pool.contains(route))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> Ipv4Net {
        text.parse().unwrap()
    }

    #[test]
    fn two_clusters_get_different_subnets_and_none_is_left_at_the_end() {
        let pool = net("10.89.0.0/22");
        let mut taken = Vec::new();
        for cluster in 0..4 {
            let subnet = free(pool, &taken, Uuid::from_u128(cluster * 7)).unwrap();
            assert!(pool.contains(&subnet) && !taken.contains(&subnet));
            taken.push(subnet);
        }
        assert_eq!(free(pool, &taken, Uuid::from_u128(1)), None);
    }

    #[test]
    fn a_cluster_that_is_made_again_gets_its_old_subnet_back() {
        let cluster = Uuid::from_u128(200);
        assert_eq!(free(net("10.89.0.0/16"), &[], cluster), Some(net("10.89.200.0/24")));
        assert_eq!(free(net("10.89.0.0/16"), &[net("10.0.0.0/24")], cluster), Some(net("10.89.200.0/24")));
    }

    #[test]
    fn a_subnet_that_lies_in_a_taken_one_or_around_one_is_not_free() {
        let pool = net("10.89.0.0/23");
        assert_eq!(free(pool, &[net("10.89.0.64/26")], Uuid::nil()), Some(net("10.89.1.0/24")));
        assert_eq!(free(pool, &[net("10.0.0.0/8")], Uuid::nil()), None);
    }

    #[test]
    fn a_pool_smaller_than_a_subnet_has_none() {
        assert_eq!(free(net("10.89.0.0/25"), &[], Uuid::nil()), None);
    }

    #[test]
    fn addresses_follow_slots_up_to_the_last_one_before_the_broadcast_address() {
        let subnet = net("10.89.3.0/24");
        assert_eq!(gateway(subnet), Ipv4Addr::new(10, 89, 3, 1));
        assert_eq!(address(subnet, 0), Ok(Ipv4Addr::new(10, 89, 3, 10)));
        assert_eq!(slot([10, 89, 3, 12].into()), Some(2));
        assert_eq!(slot([10, 89, 3, 1].into()), None, "the gateway");
        assert_eq!(address(subnet, 244), Ok(Ipv4Addr::new(10, 89, 3, 254)));
        assert_eq!(address(subnet, 245).unwrap_err().code, "too_many_nodes");
        assert_eq!(address(subnet, u32::MAX).unwrap_err().code, "too_many_nodes");
    }

    #[test]
    fn only_routes_inside_of_the_pool_count() {
        let table = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
                     eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
                     tun0\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0\n\
                     podman1\t0005590A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";
        assert_eq!(routes_inside(net("10.89.0.0/16"), table), [net("10.89.5.0/24")]);
    }
}
