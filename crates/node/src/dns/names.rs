//! The DNS names of a cluster (the Kubernetes "DNS-Based Service Discovery" specification, 1.1).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hickory_proto::rr::Name;

/// The cluster's domain, for example `cluster.local`.
#[derive(Debug, Clone)]
pub struct Domain {
    name: Name,
    labels: usize,
}

/// A parsed name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Not in the cluster's domain.
    Elsewhere,
    /// The domain itself, `svc`, or a namespace: the name exists, without records.
    Branch,
    /// `NAME.NAMESPACE.svc`
    Service {
        /// Namespace of the service.
        namespace: String,
        /// Name of the service.
        name: String,
    },
    /// `ENDPOINT.NAME.NAMESPACE.svc`
    Endpoint {
        /// Namespace of the service.
        namespace: String,
        /// Name of the service.
        name: String,
        /// Label of the endpoint.
        endpoint: String,
    },
    /// `_PORT._PROTOCOL.NAME.NAMESPACE.svc`
    Port {
        /// Namespace of the service.
        namespace: String,
        /// Name of the service.
        name: String,
        /// Name of the port.
        port: String,
        /// `tcp`, `udp` or `sctp`.
        protocol: String,
    },
    /// `1-2-3-4.NAMESPACE.pod`
    Pod(IpAddr),
    /// Reverse lookup of an address; only answered if it is a service's.
    Reverse(IpAddr),
    /// In the cluster's domain, but not a valid form of name.
    Nonsense,
}

impl Domain {
    /// Parses a domain.
    pub fn new(text: &str) -> Option<Self> {
        let name = Name::from_ascii(text.trim_end_matches('.')).ok()?.append_domain(&Name::root()).ok()?;
        let name = name.to_lowercase();
        let labels = usize::from(name.num_labels());
        (labels > 0).then_some(Self { name, labels })
    }

    /// The domain as a name.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// The full name of a service.
    pub fn service(&self, namespace: &str, name: &str) -> Option<Name> {
        Name::from_ascii(format!("{name}.{namespace}.svc")).ok()?.append_domain(&self.name).ok()
    }

    /// Parses a name.
    pub fn question(&self, name: &Name) -> Question {
        let labels: Vec<String> =
            name.iter().map(|label| String::from_utf8_lossy(label).to_ascii_lowercase()).collect();
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        if let Some(address) = reverse(&labels) {
            return Question::Reverse(address);
        }
        if !self.name.zone_of(&name.to_lowercase()) {
            return Question::Elsewhere;
        }
        let owned = |text: &str| text.to_owned();
        match labels[..labels.len() - self.labels] {
            [] | ["svc"] | ["pod"] | [_, "svc"] | [_, "pod"] => Question::Branch,
            [name, namespace, "svc"] => Question::Service { namespace: owned(namespace), name: owned(name) },
            [port, protocol, name, namespace, "svc"] if port.starts_with('_') && protocol.starts_with('_') => {
                Question::Port {
                    namespace: owned(namespace),
                    name: owned(name),
                    port: owned(&port[1..]),
                    protocol: owned(&protocol[1..]),
                }
            }
            [endpoint, name, namespace, "svc"] => {
                Question::Endpoint { namespace: owned(namespace), name: owned(name), endpoint: owned(endpoint) }
            }
            [address, _, "pod"] => pod(address).map_or(Question::Nonsense, Question::Pod),
            _ => Question::Nonsense,
        }
    }
}

fn pod(label: &str) -> Option<IpAddr> {
    let v4 = label.replace('-', ".").parse::<Ipv4Addr>().map(IpAddr::V4);
    v4.or_else(|_| label.replace('-', ":").parse::<Ipv6Addr>().map(IpAddr::V6)).ok()
}

fn reverse(labels: &[&str]) -> Option<IpAddr> {
    match labels {
        [d, c, b, a, "in-addr", "arpa"] => format!("{a}.{b}.{c}.{d}").parse().ok(),
        [nibbles @ .., "ip6", "arpa"] if nibbles.len() == 32 => {
            let digits: String = nibbles.iter().rev().copied().collect();
            (digits.len() == 32).then(|| u128::from_str_radix(&digits, 16).ok())?.map(|n| Ipv6Addr::from(n).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(name: &str) -> Question {
        Domain::new("cluster.local").unwrap().question(&Name::from_ascii(name).unwrap())
    }

    fn service(namespace: &str, name: &str) -> Question {
        Question::Service { namespace: namespace.to_owned(), name: name.to_owned() }
    }

    #[test]
    fn services_are_found_whatever_the_case() {
        assert_eq!(question("web.shop.svc.cluster.local."), service("shop", "web"));
        assert_eq!(question("Web.SHOP.svc.Cluster.Local."), service("shop", "web"));
    }

    #[test]
    fn endpoints_ports_and_pods_are_told_apart() {
        assert_eq!(
            question("db-0.db.shop.svc.cluster.local."),
            Question::Endpoint { namespace: "shop".into(), name: "db".into(), endpoint: "db-0".into() }
        );
        assert_eq!(
            question("_http._tcp.web.shop.svc.cluster.local."),
            Question::Port {
                namespace: "shop".into(),
                name: "web".into(),
                port: "http".into(),
                protocol: "tcp".into()
            }
        );
        assert_eq!(question("10-100-1-2.shop.pod.cluster.local."), Question::Pod([10, 100, 1, 2].into()));
    }

    #[test]
    fn what_is_not_below_the_domain_is_not_ours() {
        for name in ["example.org.", "cluster.local.example.org.", "notcluster.local.", "."] {
            assert_eq!(question(name), Question::Elsewhere, "{name}");
        }
    }

    #[test]
    fn branches_exist_and_nonsense_does_not() {
        for name in ["cluster.local.", "svc.cluster.local.", "shop.svc.cluster.local."] {
            assert_eq!(question(name), Question::Branch, "{name}");
        }
        for name in ["web.cluster.local.", "a.b.c.d.e.svc.cluster.local.", "x.shop.pod.cluster.local."] {
            assert_eq!(question(name), Question::Nonsense, "{name}");
        }
    }

    #[test]
    fn addresses_are_read_backwards() {
        assert_eq!(question("1.0.254.10.in-addr.arpa."), Question::Reverse([10, 254, 0, 1].into()));
        let v6 = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.";
        assert_eq!(question(v6), Question::Reverse("2001:db8::1".parse().unwrap()));
    }
}
