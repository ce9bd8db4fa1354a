use super::*;

fn node(number: u128, name: &str, role: NodeRole, wanted: bool) -> DesiredNode {
    let group = Uuid::from_u128(if role == NodeRole::Master { 100 } else { 101 });
    DesiredNode { uuid: Uuid::from_u128(number), name: name.into(), role, wanted, joined: false, group }
}

pub(super) fn cluster() -> Desired {
    Desired {
        present: true,
        nodes: vec![
            node(2, "c-worker-0", NodeRole::Worker, true),
            node(1, "c-master-0", NodeRole::Master, true),
            node(3, "c-worker-1", NodeRole::Worker, true),
        ],
        marked: false,
        heal: false,
        configure: true,
    }
}

/// The observed state after all steps towards `desired`.
pub(super) fn complete(desired: &Desired) -> Observed {
    let wanted: Vec<Uuid> = desired.nodes.iter().filter(|node| node.wanted).map(|node| node.uuid).collect();
    Observed {
        secrets: true,
        network: true,
        machines: wanted.iter().map(|id| (*id, MachineState::Running)).collect(),
        disks: wanted.iter().copied().collect(),
        agents: wanted.iter().map(|id| (*id, NodePhase::Up)).collect(),
        ready: wanted.iter().copied().collect(),
        done: BTreeSet::from(["engine".to_owned()]),
        ..Observed::default()
    }
}

fn keys(steps: &[Step]) -> Vec<String> {
    steps.iter().map(|step| step.action.key()).collect()
}

#[test]
fn from_nothing_every_step_is_planned_once_and_in_order() {
    let steps = plan(&cluster(), &Observed::default());
    assert_eq!(
        keys(&steps),
        [
            "secrets",
            "network",
            "machine/c-master-0",
            "machine/c-worker-0",
            "machine/c-worker-1",
            "node/c-master-0",
            "node/c-worker-0",
            "node/c-worker-1",
            "engine",
            "ready/c-master-0",
            "ready/c-worker-0",
            "ready/c-worker-1",
        ]
    );
}

#[test]
fn when_all_is_there_nothing_is_planned() {
    assert_eq!(plan(&cluster(), &complete(&cluster())), []);
}

#[test]
fn a_stopped_machine_is_started_and_its_agents_last_words_do_not_count() {
    let mut observed = complete(&cluster());
    observed.machines.insert(Uuid::from_u128(2), MachineState::Stopped);
    assert_eq!(keys(&plan(&cluster(), &observed)), ["machine/c-worker-0", "node/c-worker-0", "ready/c-worker-0"]);
}

#[test]
fn a_paused_machine_goes_on_once_its_agent_is_silent() {
    let mut observed = complete(&cluster());
    observed.machines.insert(Uuid::from_u128(2), MachineState::Paused);
    assert_eq!(plan(&cluster(), &observed), [], "a backup is being made");
    observed.agents.remove(&Uuid::from_u128(2));
    assert_eq!(keys(&plan(&cluster(), &observed)), ["machine/c-worker-0", "node/c-worker-0", "ready/c-worker-0"]);
}

#[test]
fn a_machine_that_is_to_be_replaced_goes_first_and_the_new_one_is_waited_for() {
    let mut observed = complete(&cluster());
    observed.replace.insert(Uuid::from_u128(2));
    let steps = keys(&plan(&cluster(), &observed));
    assert_eq!(steps, ["remove-machine/c-worker-0", "machine/c-worker-0", "node/c-worker-0", "ready/c-worker-0"]);
}

#[test]
fn state_is_lost_when_the_last_disk_that_held_it_is_gone() {
    let mut desired = cluster();
    let mut observed = complete(&desired);
    let master = Uuid::from_u128(1);
    let lost = |desired: &Desired, observed: &Observed| lost_state(desired, observed).len();
    observed.machines.remove(&master);
    observed.disks.remove(&master);
    assert_eq!(lost(&desired, &observed), 0, "it has never been up");
    desired.nodes[1].joined = true;
    assert_eq!(lost(&desired, &observed), 1);
    assert_eq!(lost(&Desired { present: false, ..desired.clone() }, &observed), 0, "it is to go anyway");
    observed.disks.insert(master);
    assert_eq!(lost(&desired, &observed), 0, "a machine can be made on its disk");
    observed.replace.insert(master);
    assert_eq!(lost(&desired, &observed), 1, "replacing it would lose it");
    desired.nodes.push(DesiredNode { joined: true, ..node(4, "c-master-1", NodeRole::Master, true) });
    observed.disks.insert(Uuid::from_u128(4));
    assert_eq!(lost(&desired, &observed), 0, "another master has it");
}

#[test]
fn a_node_that_goes_is_drained_before_its_machine_and_forgotten_after() {
    let mut desired = cluster();
    desired.nodes[2].wanted = false;
    let steps = plan(&desired, &complete(&cluster()));
    assert_eq!(keys(&steps), ["drain/c-worker-1", "remove-machine/c-worker-1", "forget/c-worker-1"]);
    assert!(steps.windows(2).all(|pair| pair[0].stage < pair[1].stage));
}

#[test]
fn labels_come_once_per_operation_when_nodes_are_ready() {
    let desired = Desired { marked: true, ..cluster() };
    assert_eq!(keys(&plan(&desired, &Observed::default())).last().map(String::as_str), Some("marks"));
    let mut observed = complete(&desired);
    assert_eq!(keys(&plan(&desired, &observed)), ["marks"]);
    observed.done.insert("marks".into());
    assert_eq!(plan(&desired, &observed), []);
    assert!(
        plan(&Desired { present: false, ..desired }, &observed).iter().all(|step| step.action != Action::MarkNodes)
    );
}

#[test]
fn deleting_leaves_nothing_that_was_observed() {
    let mut observed = complete(&cluster());
    observed.strays.insert("stray".into());
    let desired = Desired { present: false, ..cluster() };
    assert_eq!(
        keys(&plan(&desired, &observed)),
        [
            "remove-machine/c-worker-0",
            "remove-machine/c-master-0",
            "remove-machine/c-worker-1",
            "remove-stray/stray",
            "remove-network",
            "remove-secrets"
        ]
    );
    assert_eq!(plan(&desired, &Observed::default()), []);
}

#[test]
fn what_leaves_no_trace_is_done_once_per_operation() {
    let mut desired = cluster();
    desired.nodes[2].wanted = false;
    let mut observed = complete(&cluster());
    observed.done.insert("drain/c-worker-1".into());
    assert_eq!(keys(&plan(&desired, &observed)), ["remove-machine/c-worker-1", "forget/c-worker-1"]);
}
