//! The labels that have an effect here.

use super::DEFAULT_KUBERNETES_VERSION;
use super::registry::{Change, LabelSpec, Reach};
use super::value::LabelType;
use crate::EngineKind;

const K: &[EngineKind] = &[EngineKind::KUBERNETES];
const ALL: &[EngineKind] = &[EngineKind::KUBERNETES, EngineKind::SWARM];
/// The first version of Jeroboam.
const FIRST: Option<&str> = Some("0.1.0");

/// Pod and service networks: large enough to give each node its share, small enough for private ranges.
const CLUSTER_NETWORK: LabelType = LabelType::Network { shortest: 8, longest: 24 };

/// The labels that have an effect here, the most used ones first.
pub(super) const WITH_MEANING: &[LabelSpec] = &[
    LabelSpec {
        name: "kube_tag",
        value: LabelType::Version,
        default: Some(DEFAULT_KUBERNETES_VERSION),
        engines: K,
        has_effect: true,
        reach: Reach::Cluster,
        change: Change::Upgrade,
        since: FIRST,
        description: "Version of Kubernetes: v1.36 means its newest patch in the image, v1.36.3 that exact version",
    },
    LabelSpec {
        name: "flannel_backend",
        value: LabelType::Choice(&["host-gw", "vxlan", "udp"]),
        default: Some("host-gw"),
        engines: K,
        has_effect: true,
        reach: Reach::Cluster,
        change: Change::Never,
        since: FIRST,
        description: "How pods on different nodes reach each other: host-gw routes through the nodes; vxlan \
                      encapsulates, and so does udp, which upstream deprecated",
    },
    LabelSpec {
        name: "flannel_network_cidr",
        value: CLUSTER_NETWORK,
        default: Some("10.100.0.0/16"),
        engines: K,
        has_effect: true,
        reach: Reach::Cluster,
        change: Change::Never,
        since: FIRST,
        description: "Addresses of pods",
    },
    LabelSpec {
        name: "flannel_network_subnetlen",
        value: LabelType::Integer { min: 8, max: 28 },
        default: Some("24"),
        engines: K,
        has_effect: true,
        reach: Reach::Cluster,
        change: Change::Never,
        since: FIRST,
        description: "Prefix length of each node's share of the pod addresses",
    },
    LabelSpec {
        name: "flannel_use_vxlan",
        value: LabelType::Boolean,
        default: Some("false"),
        engines: K,
        has_effect: true,
        reach: Reach::Cluster,
        change: Change::Never,
        since: FIRST,
        description: "The name of 2015 for flannel_backend=vxlan; flannel_backend takes precedence if both are set",
    },
    LabelSpec {
        name: "service_cluster_ip_range",
        value: CLUSTER_NETWORK,
        default: Some("10.254.0.0/16"),
        engines: K,
        has_effect: true,
        reach: Reach::Cluster,
        change: Change::Never,
        since: FIRST,
        description: "Addresses of services; must not overlap with those of pods",
    },
    LabelSpec {
        name: "kube_proxy_mode",
        value: LabelType::Choice(&["nftables", "iptables"]),
        default: Some("nftables"),
        engines: K,
        has_effect: true,
        reach: Reach::Cluster,
        change: Change::Never,
        since: FIRST,
        description: "How kube-proxy forwards packets to services; nodes whose kernel has no nftables use iptables",
    },
    LabelSpec {
        name: "pod_security",
        value: LabelType::Choice(&["privileged", "baseline", "restricted"]),
        default: Some("baseline"),
        engines: K,
        has_effect: true,
        reach: Reach::Cluster,
        change: Change::Never,
        since: FIRST,
        description: "What pods may do in the namespace default of a new cluster, by Kubernetes' Pod Security Standards: \
                      its label pod-security.kubernetes.io/enforce, which the cluster's users may change",
    },
    LabelSpec {
        name: "min_node_count",
        value: LabelType::Integer { min: 0, max: i32::MAX as u32 },
        default: Some("0"),
        engines: ALL,
        has_effect: true,
        reach: Reach::Cluster,
        change: Change::NodeGroup,
        since: FIRST,
        description: "Minimum number of default workers",
    },
    LabelSpec {
        name: "boot_volume_size",
        value: LabelType::Integer { min: 0, max: i32::MAX as u32 },
        default: Some("0"),
        engines: ALL,
        has_effect: true,
        reach: Reach::NodeGroup,
        change: Change::Never,
        since: FIRST,
        description: "GB of a boot volume; above 0, flavors without a root disk can be used",
    },
    LabelSpec {
        name: "auto_healing_enabled",
        value: LabelType::Boolean,
        default: Some("true"),
        engines: ALL,
        has_effect: true,
        reach: Reach::Cluster,
        change: Change::Never,
        since: FIRST,
        description: "Whether lost or broken nodes are repaired automatically. If set to true together with \
                      auto_healing_controller=magnum-auto-healer, an agent in the cluster repairs them and reports \
                      the cluster's health",
    },
    LabelSpec {
        name: "auto_healing_controller",
        value: LabelType::Choice(&["draino", "magnum-auto-healer"]),
        default: Some("draino"),
        engines: K,
        has_effect: true,
        reach: Reach::Cluster,
        change: Change::Never,
        since: FIRST,
        description: "What repairs nodes: with magnum-auto-healer an agent in the cluster, otherwise Jeroboam",
    },
];
