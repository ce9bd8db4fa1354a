use std::collections::BTreeSet;

use proptest::prelude::*;
use uuid::Uuid;

use super::super::tests::{cluster, complete};
use super::*;

fn keys(steps: &[Step]) -> Vec<String> {
    steps.iter().map(|step| step.action.key()).collect()
}

#[test]
fn where_nothing_begins_anew_the_first_plan_is_all() {
    let empty = Observed::default();
    assert_eq!(forecast(&cluster(), &empty), plan(&cluster(), &empty));
    let mut smaller = cluster();
    smaller.nodes[2].wanted = false;
    let observed = complete(&cluster());
    assert_eq!(forecast(&smaller, &observed), plan(&smaller, &observed));
    let gone = Desired { present: false, ..cluster() };
    assert_eq!(forecast(&gone, &observed), plan(&gone, &observed));
}

#[test]
fn the_nodes_of_a_cluster_that_begins_anew_come_up_once_more() {
    let mut desired = cluster();
    let mut observed = complete(&desired);
    let master = Uuid::from_u128(1);
    desired.nodes[1].joined = true;
    observed.machines.remove(&master);
    observed.disks.remove(&master);
    assert!(!keys(&plan(&desired, &observed)).contains(&"node/c-worker-0".to_owned()));
    let steps = keys(&forecast(&desired, &observed));
    for key in ["machine/c-master-0", "node/c-master-0", "node/c-worker-0", "ready/c-worker-1"] {
        assert!(steps.contains(&key.to_owned()), "{key}: {steps:?}");
    }
}

#[test]
fn all_nodes_are_waited_for_where_the_only_master_starts_again() {
    let desired = cluster();
    let mut observed = complete(&desired);
    observed.machines.insert(Uuid::from_u128(1), MachineState::Stopped);
    let steps = keys(&forecast(&desired, &observed));
    for key in ["machine/c-master-0", "node/c-master-0", "ready/c-worker-0", "ready/c-worker-1"] {
        assert!(steps.contains(&key.to_owned()), "{key}: {steps:?}");
    }
    assert!(!steps.contains(&"node/c-worker-0".to_owned()), "{steps:?}");
}

#[test]
fn one_worker_after_the_other_is_replaced_where_nothing_else_helps() {
    let mut desired = Desired { heal: true, ..cluster() };
    let worker = desired.nodes[0].clone();
    desired.nodes.extend((10..18).map(|number| DesiredNode {
        uuid: Uuid::from_u128(number),
        name: format!("c-worker-{number}"),
        ..worker.clone()
    }));
    let mut observed = complete(&desired);
    for number in [2, 3] {
        observed.ready.remove(&Uuid::from_u128(number));
        observed.hopeless.insert(Uuid::from_u128(number));
        for remedy in ["restart-components", "restart-machine"] {
            observed.done.insert(format!("{remedy}/c-worker-{}", number - 2));
        }
    }
    let steps = keys(&forecast(&desired, &observed));
    for key in ["replace-machine/c-worker-0", "machine/c-worker-0", "ready/c-worker-0", "replace-machine/c-worker-1"] {
        assert!(steps.contains(&key.to_owned()), "{key}: {steps:?}");
    }
}

fn subset(of: Vec<Uuid>) -> impl Strategy<Value = BTreeSet<Uuid>> {
    let most = of.len();
    prop::sample::subsequence(of, 0..=most).prop_map(|ids| ids.into_iter().collect())
}

fn machine() -> impl Strategy<Value = MachineState> {
    prop_oneof![
        3 => Just(MachineState::Running),
        1 => Just(MachineState::Stopped),
        1 => Just(MachineState::Created),
        1 => Just(MachineState::Paused),
    ]
}

fn phase() -> impl Strategy<Value = NodePhase> {
    prop_oneof![3 => Just(NodePhase::Up), 1 => Just(NodePhase::Starting), 1 => Just(NodePhase::Failed)]
}

prop_compose! {
    fn desired()(flags in any::<[bool; 4]>(), nodes in any::<[(bool, bool); 3]>()) -> Desired {
        let [present, marked, heal, configure] = flags;
        let mut desired = Desired { present, marked, heal, configure, ..cluster() };
        for (node, (wanted, joined)) in desired.nodes.iter_mut().zip(nodes) {
            (node.wanted, node.joined) = (wanted, joined);
        }
        desired
    }
}

prop_compose! {
    fn observed()(
        flags in any::<[bool; 3]>(),
        machines in prop::collection::btree_map((1_u128..4).prop_map(Uuid::from_u128), machine(), 0..4),
        agents in prop::collection::btree_map((1_u128..4).prop_map(Uuid::from_u128), phase(), 0..4),
        sets in [1, 2, 3, 4, 5].map(|_| subset((1..4).map(Uuid::from_u128).collect())),
    ) -> Observed {
        let [secrets, network, has_stray] = flags;
        let [disks, replace, ready, hopeless, unstartable] = sets;
        let strays = has_stray.then(|| "stray".to_owned()).into_iter().collect();
        let done = BTreeSet::new();
        Observed { secrets, network, machines, disks, replace, strays, agents, ready, hopeless, unstartable, done }
    }
}

proptest! {
    #[test]
    fn it_ends_where_nothing_is_left_to_do_and_has_each_step_once(desired in desired(), observed in observed()) {
        let (mut desired_after, mut observed_after) = (desired.clone(), observed.clone());
        let steps = play(&mut desired_after, &mut observed_after);
        prop_assert_eq!(plan(&desired_after, &observed_after), vec![]);
        let all = keys(&steps);
        prop_assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
        let first = keys(&plan(&desired, &observed));
        prop_assert!(first.iter().all(|key| all.contains(key)), "{:?} is not all in {:?}", first, all);
        prop_assert!(steps.is_sorted_by_key(|step| step.stage));
    }
}
