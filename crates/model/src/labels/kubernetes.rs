//! The labels that configure a Kubernetes cluster.

use ipnet::Ipv4Net;
use jeroboam_types::agent::{PodNetwork, ServiceProxyMode};
use strum::{Display, EnumString};

use super::check::{effective, refused, wrong};
use super::{Labels, boolean, registry};
use crate::FieldError;

/// The parsed and checked labels that configure a Kubernetes cluster. Without its version, which is resolved at
/// creation ([`crate::kubernetes`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KubernetesLabels {
    /// `flannel_network_cidr`.
    pub pod_cidr: Ipv4Net,
    /// `flannel_network_subnetlen`.
    pub node_prefix: u8,
    /// `service_cluster_ip_range`.
    pub service_cidr: Ipv4Net,
    /// `flannel_backend`, `flannel_use_vxlan`.
    pub pod_network: PodNetwork,
    /// `kube_proxy_mode`.
    pub service_proxy: ServiceProxyMode,
    /// `pod_security`.
    pub pod_security: PodSecurity,
}

/// What pods may do in the initial namespaces of a new cluster, named after Kubernetes' Pod Security Standards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display, EnumString)]
#[strum(serialize_all = "lowercase")]
pub enum PodSecurity {
    /// Unrestricted, including access to the node.
    Privileged,
    /// Prevents known privilege escalations.
    Baseline,
    /// Follows current hardening practice.
    Restricted,
}

impl KubernetesLabels {
    /// Parses the labels of a cluster.
    ///
    /// # Errors
    /// Names the malformed label, or the two that contradict each other.
    pub fn read(labels: &Labels) -> Result<Self, FieldError> {
        let network = |text: &str| text.parse::<Ipv4Net>().ok().map(|network| network.trunc());
        let pod_cidr = value(labels, "flannel_network_cidr", network)?;
        let service_cidr = value(labels, "service_cluster_ip_range", network)?;
        usable("flannel_network_cidr", pod_cidr)?;
        usable("service_cluster_ip_range", service_cidr)?;
        if overlap(pod_cidr, service_cidr) {
            return Err(wrong(
                "flannel_network_cidr",
                format!("the pod network {pod_cidr} and the service network {service_cidr} overlap"),
            ));
        }
        let wanted: u8 = value(labels, "flannel_network_subnetlen", |text| text.parse().ok())?;
        let node_prefix = match labels.contains_key("flannel_network_subnetlen") {
            true if wanted < pod_cidr.prefix_len() => {
                return Err(wrong(
                    "flannel_network_subnetlen",
                    format!("must be at least {}, the prefix of the pod network {pod_cidr}", pod_cidr.prefix_len()),
                ));
            }
            true => wanted,
            false => wanted.max(pod_cidr.prefix_len()),
        };
        let service_proxy = value(labels, "kube_proxy_mode", |text| text.parse().ok())?;
        let use_vxlan = value(labels, "flannel_use_vxlan", boolean)?;
        let backend = value(labels, "flannel_backend", |text| match text {
            "host-gw" => Some(PodNetwork::HostGw),
            // Upstream deprecated its other backend, udp; VXLAN serves the same purpose.
            "vxlan" | "udp" => Some(PodNetwork::Vxlan),
            _ => None,
        })?;
        let pod_network =
            if use_vxlan && !labels.contains_key("flannel_backend") { PodNetwork::Vxlan } else { backend };
        let pod_security = value(labels, "pod_security", |text| text.parse().ok())?;
        Ok(Self { pod_cidr, node_prefix, service_cidr, pod_network, service_proxy, pod_security })
    }

    /// Refuses pod and service networks that overlap the networks of nodes, as one of the two would be unreachable.
    ///
    /// # Errors
    /// Names the label.
    pub fn apart_from(&self, nodes: &[Ipv4Net]) -> Result<(), FieldError> {
        for (label, range) in [("flannel_network_cidr", self.pod_cidr), ("service_cluster_ip_range", self.service_cidr)]
        {
            if let Some(taken) = nodes.iter().find(|nodes| overlap(**nodes, range)) {
                let message = format!("must not overlap {taken}, a network of nodes, this is '{range}'");
                return Err(wrong(label, message));
            }
        }
        Ok(())
    }
}

/// Special-purpose networks whose addresses pods and services cannot use, and their purpose (IANA's registry of
/// special-purpose addresses, RFC 6890).
const SPECIAL: [(&str, &str); 5] = [
    ("0.0.0.0/8", "of this host on this network"),
    ("127.0.0.0/8", "of every host for itself"),
    ("169.254.0.0/16", "of one link only"),
    ("224.0.0.0/4", "of groups of hosts"),
    ("240.0.0.0/4", "reserved"),
];

/// Refuses a network whose addresses pods or services cannot use.
fn usable(label: &str, network: Ipv4Net) -> Result<(), FieldError> {
    let hit = SPECIAL.iter().find(|(special, _)| special.parse().is_ok_and(|special| overlap(special, network)));
    match hit {
        Some((special, what)) => {
            Err(wrong(label, format!("must not overlap {special}, whose addresses are {what}, this is '{network}'")))
        }
        None => Ok(()),
    }
}

/// Whether two networks overlap.
fn overlap(one: Ipv4Net, other: Ipv4Net) -> bool {
    one.contains(&other) || other.contains(&one)
}

/// Parses a label, or its default when it is not set.
fn value<T>(labels: &Labels, name: &str, read: impl Fn(&str) -> Option<T>) -> Result<T, FieldError> {
    let Some(spec) = registry::find(name) else { return Err(wrong(name, "is not known".to_owned())) };
    let text = effective(labels, spec).unwrap_or_default();
    read(text).filter(|_| spec.value.allows(text)).ok_or_else(|| refused(spec, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<KubernetesLabels, FieldError> {
        KubernetesLabels::read(&pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn without_labels_the_defaults_hold() {
        let read = read(&[]).unwrap();
        assert_eq!(read.pod_cidr.to_string(), "10.100.0.0/16");
        assert_eq!(read.service_cidr.to_string(), "10.254.0.0/16");
        assert_eq!(read.node_prefix, 24);
        assert_eq!(read.pod_network, PodNetwork::HostGw);
        assert_eq!(read.service_proxy, ServiceProxyMode::Nftables);
        assert_eq!(read.pod_security, PodSecurity::Baseline);
    }

    #[test]
    fn what_is_malformed_is_named() {
        for (name, bad) in [
            ("flannel_backend", "pigeon"),
            ("flannel_network_cidr", "10.0.0.0/25"),
            ("flannel_network_subnetlen", "15"),
            ("flannel_network_subnetlen", "29"),
            ("flannel_use_vxlan", "perhaps"),
            ("kube_proxy_mode", "ipvs"),
            ("pod_security", "none"),
            ("service_cluster_ip_range", "10.100.3.0/24"),
        ] {
            let field = read(&[(name, bad)]).unwrap_err().field;
            let other = "labels.flannel_network_cidr";
            assert!(
                field == format!("labels.{name}") || (field == other && name.starts_with("service")),
                "{name}={bad}"
            );
        }
    }

    #[test]
    fn overlapping_networks_are_refused() {
        let error = read(&[("flannel_network_cidr", "10.254.128.0/20")]).unwrap_err();
        assert_eq!(error.field, "labels.flannel_network_cidr");
    }

    #[test]
    fn ranges_that_lie_where_nodes_are_or_around_are_refused_by_their_label() {
        let nodes = ["10.89.0.0/16".parse().unwrap()];
        assert!(read(&[]).unwrap().apart_from(&nodes).is_ok());
        assert!(read(&[("flannel_network_cidr", "10.88.0.0/16")]).unwrap().apart_from(&nodes).is_ok());
        for name in ["service_cluster_ip_range", "flannel_network_cidr"] {
            for bad in ["10.89.0.0/16", "10.89.3.0/24", "10.80.0.0/12"] {
                let error = read(&[(name, bad)]).unwrap().apart_from(&nodes).unwrap_err();
                assert_eq!(error.field, format!("labels.{name}"), "{bad}");
                assert!(error.message.contains("10.89.0.0/16, a network of nodes"), "{}", error.message);
            }
        }
    }

    #[test]
    fn networks_that_cannot_work_are_refused_by_their_label() {
        for name in ["service_cluster_ip_range", "flannel_network_cidr"] {
            for bad in ["127.0.0.0/8", "127.3.0.0/16", "169.254.0.0/16", "224.0.0.0/16", "240.0.0.0/12", "0.0.0.0/8"] {
                let error = read(&[(name, bad)]).unwrap_err();
                assert_eq!(error.field, format!("labels.{name}"), "{bad}");
            }
            assert!(read(&[(name, "172.20.0.0/16")]).is_ok());
        }
    }

    #[test]
    fn vxlan_has_two_spellings_and_the_later_one_wins() {
        let network = |pairs: &[(&str, &str)]| read(pairs).unwrap().pod_network;
        assert_eq!(network(&[("flannel_use_vxlan", "True")]), PodNetwork::Vxlan);
        assert_eq!(network(&[("flannel_use_vxlan", "false")]), PodNetwork::HostGw);
        assert_eq!(network(&[("flannel_backend", "udp")]), PodNetwork::Vxlan);
        assert_eq!(network(&[("flannel_use_vxlan", "1"), ("flannel_backend", "host-gw")]), PodNetwork::HostGw);
    }

    #[test]
    fn a_large_part_for_each_node_is_cut_to_the_pod_network_unless_it_was_asked_for() {
        assert_eq!(read(&[("flannel_network_cidr", "10.1.0.0/24")]).unwrap().node_prefix, 24);
        assert_eq!(read(&[("flannel_network_subnetlen", "26")]).unwrap().node_prefix, 26);
    }
}
