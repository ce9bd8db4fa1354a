//! Addresses that a user must not make the server connect to: its own, its neighbours', the cloud's metadata service.

use std::net::IpAddr;

use ipnet::IpNet;

/// Networks that are not part of the public internet, and why. From IANA's special-purpose address registries (RFC 6890
/// and later additions), plus addresses that clouds use elsewhere.
const INTERNAL: [(&str, &str); 33] = [
    ("0.0.0.0/8", "this network"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "shared by carriers"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "reserved for protocols"),
    ("192.0.2.0/24", "for documentation"),
    ("192.88.99.0/24", "a relay"),
    ("192.168.0.0/16", "private"),
    ("198.18.0.0/15", "for benchmarks"),
    ("198.51.100.0/24", "for documentation"),
    ("203.0.113.0/24", "for documentation"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
    // Metadata and other services of one large cloud, outside all reserved ranges.
    ("168.63.129.16/32", "a cloud's metadata"),
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    // Addresses that embed an IPv4 address could stand for any of the above.
    ("::/96", "an IPv4 address"),
    ("::ffff:0:0/96", "an IPv4 address"),
    ("::ffff:0:0:0/96", "an IPv4 address"),
    ("64:ff9b::/96", "an IPv4 address"),
    ("64:ff9b:1::/48", "an IPv4 address"),
    ("2002::/16", "an IPv4 address"),
    ("2001::/23", "reserved for protocols"),
    ("100::/64", "a black hole"),
    ("2001:db8::/32", "for documentation"),
    ("3fff::/20", "for documentation"),
    ("5f00::/16", "segment routing"),
    ("fc00::/7", "private"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"),
    ("ff00::/8", "multicast"),
];

/// Why the address must not be used, or `None` when it is public or allowed by the operator.
pub(super) fn internal(address: IpAddr, allowed: &[IpNet]) -> Option<&'static str> {
    if allowed.iter().any(|net| net.contains(&address)) {
        return None;
    }
    INTERNAL.iter().find(|(net, _)| net.parse::<IpNet>().is_ok_and(|net| net.contains(&address))).map(|(_, why)| *why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_network_of_the_table_is_one() {
        for (net, _) in INTERNAL {
            let parsed: IpNet = net.parse().unwrap();
            assert_eq!(parsed, parsed.trunc(), "{net}");
        }
    }

    #[test]
    fn internal_addresses_are_known() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.100.100.200",
            "100.127.255.255",
            "127.0.0.1",
            "127.8.8.8",
            "169.254.169.254",
            "169.254.0.1",
            "172.16.0.1",
            "172.17.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "168.63.129.16",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::ffff:0:10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001::1",
            "fc00::1",
            "fd00:ec2::254",
            "fd20:ce::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(internal(address.parse().unwrap(), &[]).is_some(), "{address}");
        }
    }

    #[test]
    fn public_addresses_pass() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.1",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2a00:1450::1",
            "2001:4860:4860::8888",
        ] {
            assert_eq!(internal(address.parse().unwrap(), &[]), None, "{address}");
        }
    }

    #[test]
    fn an_operator_may_allow_a_network() {
        let allowed = ["10.1.0.0/16".parse().unwrap()];
        assert_eq!(internal("10.1.2.3".parse().unwrap(), &allowed), None);
        assert!(internal("10.2.0.1".parse().unwrap(), &allowed).is_some());
        // An allowed IPv4 address in its IPv6 form is not allowed.
        assert!(internal("::ffff:10.1.2.3".parse().unwrap(), &allowed).is_some());
    }
}
