//! What labels mean to us. A label that is not known here is kept and returned, and has no effect.

use std::collections::BTreeMap;
use std::str::FromStr;

use ipnet::Ipv4Net;
use jeroboam_types::agent::PodNetwork;

use crate::FieldError;

/// Labels of templates, clusters and node groups.
pub type Labels = BTreeMap<String, String>;

/// The Kubernetes version that clusters get when their labels do not say.
pub const DEFAULT_KUBERNETES_VERSION: &str = "v1.20.2";
/// Addresses of pods when the labels do not say (Magnum's default).
pub const DEFAULT_POD_CIDR: &str = "10.100.0.0/16";
/// Prefix of each node's part when the labels do not say (Magnum's default).
pub const DEFAULT_NODE_PREFIX: u8 = 24;
/// Addresses of services when the labels do not say (Magnum's default).
pub const DEFAULT_SERVICE_CIDR: &str = "10.254.0.0/16";

/// The labels that shape a Kubernetes cluster, read and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KubernetesLabels {
    /// `kube_tag`.
    pub version: String,
    /// `flannel_network_cidr`.
    pub pod_cidr: Ipv4Net,
    /// `flannel_network_subnetlen`.
    pub node_prefix: u8,
    /// `service_cluster_ip_range`.
    pub service_cidr: Ipv4Net,
    /// `flannel_backend`.
    pub pod_network: PodNetwork,
}

impl KubernetesLabels {
    /// Reads the labels of a cluster.
    ///
    /// # Errors
    /// Names the label that is malformed, or the two that contradict each other.
    pub fn read(labels: &Labels) -> Result<Self, FieldError> {
        let version = labels.get("kube_tag").map_or(DEFAULT_KUBERNETES_VERSION, String::as_str);
        if !is_version(version) {
            return Err(FieldError::new(
                "labels/kube_tag",
                format!("'{version}' is not a Kubernetes version. Give one like {DEFAULT_KUBERNETES_VERSION}"),
            ));
        }
        let pod_cidr = read_cidr(labels, "flannel_network_cidr", DEFAULT_POD_CIDR)?;
        let service_cidr = read_cidr(labels, "service_cluster_ip_range", DEFAULT_SERVICE_CIDR)?;
        if pod_cidr.contains(&service_cidr.network()) || service_cidr.contains(&pod_cidr.network()) {
            return Err(FieldError::new(
                "labels/flannel_network_cidr",
                format!("the pod network {pod_cidr} and the service network {service_cidr} overlap"),
            ));
        }
        let node_prefix = match labels.get("flannel_network_subnetlen") {
            None => DEFAULT_NODE_PREFIX.max(pod_cidr.prefix_len()),
            Some(text) => {
                text.parse().ok().filter(|length| (pod_cidr.prefix_len()..=28).contains(length)).ok_or_else(|| {
                    FieldError::new(
                        "labels/flannel_network_subnetlen",
                        format!(
                            "'{text}' must be a prefix length between {} (that of the pod network) and 28",
                            pod_cidr.prefix_len()
                        ),
                    )
                })?
            }
        };
        let pod_network = match labels.get("flannel_backend").map(String::as_str) {
            None | Some("host-gw") => PodNetwork::HostGw,
            // Upstream's other backend, udp, is long gone; VXLAN does the same job.
            Some("vxlan" | "udp") => PodNetwork::Vxlan,
            Some(other) => {
                return Err(FieldError::new(
                    "labels/flannel_backend",
                    format!("'{other}' is not known. Give host-gw or vxlan"),
                ));
            }
        };
        Ok(Self { version: version.to_owned(), pod_cidr, node_prefix, service_cidr, pod_network })
    }
}

fn read_cidr(labels: &Labels, name: &str, default: &str) -> Result<Ipv4Net, FieldError> {
    let text = labels.get(name).map_or(default, String::as_str);
    Ipv4Net::from_str(text).ok().filter(|net| (8..=24).contains(&net.prefix_len())).map(|net| net.trunc()).ok_or_else(
        || {
            FieldError::new(
                format!("labels/{name}"),
                format!("'{text}' is not an IPv4 network with a prefix between 8 and 24. Give one like {default}"),
            )
        },
    )
}

/// `v1.MINOR.PATCH`. The text becomes part of a path on nodes, so nothing else is let through.
fn is_version(text: &str) -> bool {
    text.strip_prefix("v1.").is_some_and(|rest| {
        let parts: Vec<&str> = rest.split('.').collect();
        parts.len() == 2
            && parts.iter().all(|part| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn without_labels_the_defaults_hold() {
        let read = KubernetesLabels::read(&Labels::new()).unwrap();
        assert_eq!(read.version, "v1.20.2");
        assert_eq!(read.pod_cidr.to_string(), "10.100.0.0/16");
        assert_eq!(read.node_prefix, 24);
        assert_eq!(read.pod_network, PodNetwork::HostGw);
    }

    #[test]
    fn a_version_cannot_carry_a_path() {
        for bad in ["../../etc", "1.20.2", "v1.20", "v1.20.2-x", "v1..2", "v2.1.0", ""] {
            let error = KubernetesLabels::read(&labels(&[("kube_tag", bad)])).unwrap_err();
            assert_eq!(error.field, "labels/kube_tag", "{bad}");
        }
    }

    #[test]
    fn overlapping_networks_are_refused() {
        let error = KubernetesLabels::read(&labels(&[("flannel_network_cidr", "10.254.128.0/20")])).unwrap_err();
        assert_eq!(error.field, "labels/flannel_network_cidr");
    }
}
