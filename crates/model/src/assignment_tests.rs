//! Tests of [`super`].

use std::collections::BTreeMap;

use jeroboam_types::agent::{EngineAssignment, Facts, KubernetesAssignment, Report, SwarmMembership, Taint};
use jiff::Timestamp;
use uuid::Uuid;

use super::*;
use crate::{ClusterTemplate, EngineKind, Labels, NodePhase, Status};

const GROUP: Uuid = Uuid::from_u128(100);

fn cluster(engine: EngineKind, labels: &[(&str, &str)]) -> Cluster {
    Cluster {
        uuid: Uuid::from_u128(1),
        engine_version: (engine == EngineKind::KUBERNETES).then(|| "v1.37.2".to_owned()),
        labels: labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect::<Labels>(),
        ..Cluster::of(&template(engine), "My Cluster", "p", "u", Timestamp::UNIX_EPOCH)
    }
}

fn template(engine: EngineKind) -> ClusterTemplate {
    ClusterTemplate {
        insecure_registry: Some("172.17.0.1:5000, other:80,".into()),
        ..ClusterTemplate::new(engine, "debian-13", "p", "u", Timestamp::UNIX_EPOCH)
    }
}

fn group() -> NodeGroup {
    NodeGroup {
        id: 1,
        uuid: GROUP,
        cluster: Uuid::from_u128(1),
        project_id: "p".into(),
        name: "default-worker".into(),
        role: NodeRole::Worker,
        role_name: "worker".into(),
        is_default: true,
        node_count: 1,
        min_node_count: 0,
        max_node_count: None,
        flavor_id: None,
        image_id: "debian-13".into(),
        docker_volume_size: None,
        labels: Labels::new(),
        node_labels: BTreeMap::from([("zone".into(), "a".into())]),
        node_taints: vec![Taint { key: "gpu".into(), value: String::new(), effect: "NoSchedule".into() }],
        status: Status::CreateInProgress,
        status_reason: None,
        version: None,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: None,
    }
}

fn node(role: NodeRole, slot: u32) -> Node {
    Node {
        uuid: Uuid::from_u128(1000 + u128::from(slot)),
        cluster: Uuid::from_u128(1),
        node_group: if role == NodeRole::Worker { GROUP } else { Uuid::from_u128(101) },
        name: format!("my-cluster-{role}-{slot}"),
        role,
        slot,
        wanted: true,
        machine_id: None,
        address: Some(IpAddr::from([172, 18, 0, u8::try_from(slot).unwrap() + 10])),
        report: None,
        reported_at: None,
        silent_since: None,
        enrolled: true,
        joined_at: None,
        target: Target::default(),
        replace_machine: None,
        attempt: 0,
        created_at: Timestamp::UNIX_EPOCH,
    }
}

fn up(mut node: Node) -> Node {
    node.report = Some(Report {
        revision: 1,
        authorities: 0,
        phase: NodePhase::Up,
        components: Vec::new(),
        problem: None,
        facts: Facts::default(),
        swarm: None,
        engine_nodes: None,
    });
    node
}

fn secrets() -> ClusterSecrets {
    ClusterSecrets {
        ca: Some("ca".into()),
        etcd_ca: Some("etcd".into()),
        front_proxy_ca: Some("front".into()),
        service_account_key: Some("key".into()),
        service_account_public_key: Some("public".into()),
        authorities: 9,
        swarm_manager_token: None,
        swarm_worker_token: None,
    }
}

fn tokens() -> ClusterSecrets {
    ClusterSecrets {
        swarm_manager_token: Some("manager".into()),
        swarm_worker_token: Some("worker".into()),
        ..secrets()
    }
}

/// Everything about one cluster of these nodes.
struct World {
    cluster: Cluster,
    template: ClusterTemplate,
    groups: Vec<NodeGroup>,
    nodes: Vec<Node>,
    secrets: ClusterSecrets,
}

impl World {
    fn new(engine: EngineKind, nodes: Vec<Node>, secrets: ClusterSecrets) -> Self {
        Self { cluster: cluster(engine, &[]), template: template(engine), groups: vec![group()], nodes, secrets }
    }

    /// The nodes, with the targets that new nodes would get now.
    fn made_now(&self) -> Vec<Node> {
        let of_others = NodeGroup { uuid: Uuid::from_u128(101), docker_volume_size: None, ..group() };
        let made = |node: &Node| {
            let group = self.groups.iter().find(|group| group.uuid == node.node_group).unwrap_or(&of_others);
            Node { target: Target::of(&self.cluster, &self.template, group), ..node.clone() }
        };
        self.nodes.iter().map(made).collect()
    }

    fn try_build(&self, nodes: &[Node], at: usize) -> Result<Option<Assignment>, FieldError> {
        let source =
            Source { cluster: &self.cluster, groups: &self.groups, nodes, secrets: &self.secrets, revision: 7 };
        build(&source, &nodes[at])
    }

    fn build(&self, at: usize) -> Option<Assignment> {
        self.try_build(&self.made_now(), at).unwrap()
    }

    fn kubernetes(&self, at: usize) -> KubernetesAssignment {
        match self.build(at).unwrap().engine {
            EngineAssignment::Kubernetes(assignment) => *assignment,
            EngineAssignment::Swarm(_) => panic!("not Kubernetes"),
        }
    }

    fn membership(&self, at: usize) -> Option<SwarmMembership> {
        match self.build(at).unwrap().engine {
            EngineAssignment::Swarm(assignment) => assignment.membership,
            EngineAssignment::Kubernetes(_) => panic!("not a swarm"),
        }
    }
}

use NodeRole::{Master, Worker};

#[test]
fn a_worker_gets_what_its_cluster_template_and_group_say() {
    let world = World::new(EngineKind::KUBERNETES, vec![node(Worker, 1), node(Worker, 2), node(Master, 3)], secrets());
    let assignment = world.build(0).unwrap();
    assert_eq!((assignment.revision, assignment.name.as_str()), (7, "my-cluster-worker-1"));
    assert_eq!(assignment.cluster, "My Cluster");
    assert_eq!(assignment.insecure_registries, ["172.17.0.1:5000", "other:80"]);
    let peers: Vec<_> = assignment.peers.iter().map(|peer| peer.name.as_str()).collect();
    assert_eq!(peers, ["my-cluster-master-3", "my-cluster-worker-1", "my-cluster-worker-2"]);
    let kubernetes = world.kubernetes(0);
    assert_eq!(kubernetes.api_server, "https://172.18.0.13:6443");
    assert_eq!(kubernetes.dns_address.to_string(), "10.254.0.10");
    assert_eq!((kubernetes.pod_cidr.as_str(), kubernetes.node_prefix), ("10.100.0.0/16", 24));
    assert_eq!(kubernetes.node_labels["zone"], "a");
    assert_eq!(kubernetes.node_taints[0].key, "gpu");
    assert!(kubernetes.control_plane.is_none());
    let text = serde_json::to_string(&assignment).unwrap();
    assert!(!text.contains("service_account_key"), "workers get no secrets of the control plane");
}

#[test]
fn labels_and_the_templates_port_are_followed() {
    let mut world = World::new(EngineKind::KUBERNETES, vec![node(Master, 0)], secrets());
    world.cluster = cluster(
        EngineKind::KUBERNETES,
        &[("service_cluster_ip_range", "10.20.30.0/24"), ("kube_tag", "1.36"), ("flannel_backend", "vxlan")],
    );
    world.template.apiserver_port = Some(8443);
    world.cluster.engine_version = Some("v1.36.3".to_owned());
    let kubernetes = world.kubernetes(0);
    assert_eq!(kubernetes.api_server, "https://172.18.0.10:8443");
    assert_eq!(kubernetes.dns_address.to_string(), "10.20.30.10");
    assert_eq!(kubernetes_service_address("10.20.30.0/24".parse().unwrap()).to_string(), "10.20.30.1");
    assert_eq!(kubernetes.version, "v1.36.3", "the one that was fixed when the cluster was made");
}

#[test]
fn nodes_of_clusters_of_older_releases_are_told_what_they_were_told_before() {
    let mut world = World::new(EngineKind::KUBERNETES, vec![node(Master, 0), node(Worker, 1)], secrets());
    world.cluster.labels.insert("kube_tag".into(), "v1.20.2".into());
    world.cluster.engine_version = Some("v1.20.2".to_owned());
    for at in [0, 1] {
        assert_eq!(world.kubernetes(at).version, "v1.20.2");
    }
}

#[test]
fn what_makes_no_sense_is_named() {
    let mut world = World::new(EngineKind::KUBERNETES, vec![node(Master, 0)], secrets());
    let field =
        |world: &World| world.try_build(&world.made_now(), 0).err().map(|error| error.field).unwrap_or_default();
    assert_eq!(field(&world), "");
    world.cluster.engine_version = None;
    assert_eq!(field(&world), "engine_version");
    world.cluster.labels.insert("flannel_backend".into(), "pigeon".into());
    assert_eq!(field(&world), "labels.flannel_backend");
}

#[test]
fn every_master_asks_its_own_api_server_and_knows_all_members_of_etcd() {
    let world = World::new(
        EngineKind::KUBERNETES,
        vec![node(Master, 2), node(Worker, 3), node(Master, 0), node(Master, 1)],
        secrets(),
    );
    let kubernetes = world.kubernetes(0);
    assert_eq!(kubernetes.api_server, "https://172.18.0.12:6443");
    assert_eq!(
        kubernetes.control_plane.unwrap().etcd_members,
        ["my-cluster-master-0", "my-cluster-master-1", "my-cluster-master-2"]
    );
    assert_eq!(world.kubernetes(1).api_server, "https://172.18.0.10:6443", "workers ask the first master");
}

#[test]
fn a_master_waits_for_the_addresses_of_all_masters_and_a_worker_for_the_first() {
    let mut world =
        World::new(EngineKind::KUBERNETES, vec![node(Master, 0), node(Master, 1), node(Worker, 2)], secrets());
    world.nodes[1].address = None;
    assert!(world.build(0).is_none());
    assert!(world.build(1).is_none());
    assert!(world.build(2).is_some());
    world.nodes[0].address = None;
    assert!(world.build(2).is_none());
}

#[test]
fn nothing_is_assigned_before_the_secrets_are_there() {
    let world = World::new(EngineKind::KUBERNETES, vec![node(Master, 0), node(Worker, 1)], ClusterSecrets::default());
    assert!(world.build(0).is_none() && world.build(1).is_none());
    let only_ca = ClusterSecrets { ca: Some("ca".into()), ..ClusterSecrets::default() };
    let world = World { secrets: only_ca, ..world };
    assert!(world.build(0).is_none() && world.build(1).is_some());
    let world = World::new(EngineKind::SWARM, vec![node(Master, 0)], ClusterSecrets::default());
    assert!(world.build(0).is_none());
}

#[test]
fn a_node_that_is_to_go_runs_on_until_it_is_drained() {
    let mut world = World::new(EngineKind::KUBERNETES, vec![node(Master, 0), node(Worker, 1)], secrets());
    world.nodes[1].wanted = false;
    assert!(world.build(1).is_some());
    assert_eq!(world.build(0).unwrap().peers.len(), 2, "its pods are still reached");
}

#[test]
fn the_first_master_founds_the_swarm_and_others_wait_for_its_tokens() {
    let nodes = vec![node(Master, 1), node(Master, 0), node(Worker, 2)];
    let world = World::new(EngineKind::SWARM, nodes, secrets());
    assert_eq!(world.membership(1), Some(SwarmMembership::Init));
    assert_eq!(world.membership(0), None);
    assert_eq!(world.membership(2), None);
}

#[test]
fn with_tokens_others_join_through_the_masters_by_their_role() {
    let nodes = vec![node(Master, 1), node(Master, 0), node(Worker, 2)];
    let mut world = World::new(EngineKind::SWARM, nodes, tokens());
    let managers = |addresses: &[&str]| addresses.iter().map(|address| (*address).to_owned()).collect::<Vec<_>>();
    assert_eq!(world.membership(1), Some(SwarmMembership::Init));
    assert_eq!(
        world.membership(0),
        Some(SwarmMembership::Join { token: "manager".into(), managers: managers(&["172.18.0.10:2377"]) })
    );
    assert_eq!(
        world.membership(2),
        Some(SwarmMembership::Join {
            token: "worker".into(),
            managers: managers(&["172.18.0.10:2377", "172.18.0.11:2377"])
        })
    );
    world.nodes[1].address = None;
    world.nodes[0].address = None;
    assert_eq!(world.membership(2), None, "nobody to join through");
}

#[test]
fn a_second_swarm_is_not_founded_when_the_first_master_is_replaced() {
    let nodes = vec![node(Master, 0), up(node(Master, 1)), node(Master, 2)];
    let world = World::new(EngineKind::SWARM, nodes, tokens());
    assert_eq!(
        world.membership(0),
        Some(SwarmMembership::Join { token: "manager".into(), managers: vec!["172.18.0.11:2377".into()] })
    );
}

#[test]
fn proxies_and_volumes_reach_the_nodes_they_are_for() {
    let mut world = World::new(EngineKind::KUBERNETES, vec![node(Master, 0), node(Worker, 1)], secrets());
    let plain = world.build(1).unwrap();
    assert_eq!((plain.proxy, plain.container_volume, plain.registry), (None, None, None));
    world.template.no_proxy = Some("a.example, 10.0.0.0/8,".into());
    assert_eq!(world.build(1).unwrap().proxy, None, "exceptions alone are no proxy");
    world.template.https_proxy = Some("http://proxy:3128".into());
    world.groups[0].docker_volume_size = Some(7);
    let worker = world.build(1).unwrap();
    let exceptions = vec!["a.example".to_owned(), "10.0.0.0/8".to_owned()];
    assert_eq!(worker.proxy, Some(Proxy { http: None, https: Some("http://proxy:3128".into()), exceptions }));
    assert_eq!(worker.container_volume, Some(7));
    assert_eq!(world.build(0).unwrap().container_volume, None, "that is another group's");
}

#[test]
fn the_first_master_keeps_the_registry_and_nodes_wait_until_it_has_an_address() {
    for engine in [EngineKind::KUBERNETES, EngineKind::SWARM] {
        let mut world = World::new(engine, vec![node(Worker, 1), node(Master, 2), node(Master, 0)], secrets());
        world.template.registry_enabled = true;
        let worker = world.build(0).unwrap();
        assert_eq!(worker.registry, Some("172.18.0.10:5000".parse().unwrap()));
        assert_eq!(worker.insecure_registries, ["localhost:5000", "172.17.0.1:5000", "other:80"]);
        world.nodes[2].address = None;
        assert!(world.build(0).is_none());
    }
}

#[test]
fn what_becomes_of_cluster_template_and_group_changes_no_node_that_is_there() {
    for engine in [EngineKind::KUBERNETES, EngineKind::SWARM] {
        let mut world = World::new(engine, vec![node(Master, 0), node(Worker, 1)], tokens());
        let nodes = world.made_now();
        let told = |world: &World, nodes: &[Node]| serde_json::to_value(world.try_build(nodes, 1).unwrap()).unwrap();
        let before = told(&world, &nodes);
        world.cluster.engine_version = Some("v1.36.3".to_owned());
        world.cluster.labels.insert("flannel_backend".into(), "vxlan".into());
        world.template.apiserver_port = Some(8443);
        world.template.registry_enabled = true;
        world.template.https_proxy = Some("http://proxy:3128".into());
        world.template.insecure_registry = None;
        world.groups[0].docker_volume_size = Some(7);
        assert_eq!(told(&world, &nodes), before);
        assert_ne!(told(&world, &world.made_now()), before, "nodes that are made now get it");
    }
}

#[test]
fn secrets_do_not_show() {
    assert_eq!(format!("{:?}", tokens()), "ClusterSecrets(secret)");
}
