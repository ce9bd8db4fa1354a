//! What the agent knows about its node, in the form of its reports.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use jeroboam_types::agent::{ComponentReport, ComponentState, Facts, NodePhase, Problem, Report, SwarmTokens};
use tokio::sync::watch;

use crate::engine_view::EngineView;
use crate::fault::{Code, Fault};

/// The shared state that components update and that reports are created from.
#[derive(Debug)]
pub struct Board {
    state: watch::Sender<State>,
    /// When the newest assignment was started.
    begun: Mutex<Instant>,
}

/// The content of a report.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct State {
    /// Revision of the current assignment.
    pub revision: u64,
    /// Generation of the CAs that signed all certificates in use.
    pub authorities: u64,
    /// Components, in the order in which they were announced.
    pub components: Vec<ComponentReport>,
    /// Components whose program cannot be run.
    pub missing: BTreeSet<String>,
    /// A fault other than a component that exits repeatedly, and whether it is permanent.
    pub fault: Option<(Problem, bool)>,
    /// Properties of the machine.
    pub facts: Facts,
    /// Join tokens, from the node that initialized the swarm.
    pub swarm: Option<SwarmTokens>,
    /// The engine's view of the nodes; from masters, while their engine answers.
    pub engine_nodes: Option<EngineView>,
}

impl Board {
    /// Creates an empty board for a machine.
    pub fn new(facts: Facts) -> Self {
        Self { state: watch::Sender::new(State { facts, ..State::default() }), begun: Mutex::new(Instant::now()) }
    }

    /// Subscribes to changes.
    pub fn subscribe(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// When the newest assignment was started. Earlier failures are not counted any more.
    pub fn begun_at(&self) -> Instant {
        *self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a new assignment: exactly these components belong to the node from now on, all others are removed. Failed
    /// ones get another chance.
    pub fn begin(&self, revision: u64, names: &[&str]) {
        *self.begun.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.change(|state| {
            state.revision = revision;
            state.fault = None;
            state.engine_nodes = None;
            let mut known = std::mem::take(&mut state.components);
            state.components = names
                .iter()
                .map(|name| match known.iter().position(|component| component.name == *name) {
                    Some(index) => another_chance(known.swap_remove(index)),
                    None => waiting(name),
                })
                .collect();
        });
    }

    /// Records that all components with certificates run with those of this CA generation.
    pub fn authorities(&self, generation: u64) {
        self.change(|state| state.authorities = generation);
    }

    /// Records the revision of a newer assignment that requires no change.
    pub fn revision(&self, revision: u64) {
        self.change(|state| state.revision = revision);
    }

    /// Changes a component's entry. A component that was not announced is added.
    pub fn component(&self, name: &str, change: impl FnOnce(&mut ComponentReport)) {
        self.change(|state| {
            let index = state.components.iter().position(|component| component.name == name);
            let index = index.unwrap_or_else(|| {
                state.components.push(waiting(name));
                state.components.len() - 1
            });
            if let Some(component) = state.components.get_mut(index) {
                change(component);
            }
        });
    }

    /// Records whether a component's program cannot be run.
    pub fn missing(&self, name: &str, is_missing: bool) {
        self.change(|state| {
            if is_missing {
                state.missing.insert(name.to_owned());
            } else {
                state.missing.remove(name);
            }
        });
    }

    /// Marks a part of the agent as starting. A part that is up stays up, as a newer assignment repeats all steps.
    pub fn starting(&self, name: &str) {
        self.component(name, |component| {
            if component.state == ComponentState::Up {
                return;
            }
            component.state = ComponentState::Starting;
            component.started_at.get_or_insert_with(jiff::Timestamp::now);
        });
    }

    /// Whether a component is ready.
    pub fn is_up(&self, name: &str) -> bool {
        let state = self.state.borrow();
        state.components.iter().any(|component| component.name == name && component.state == ComponentState::Up)
    }

    /// Marks a component as ready.
    pub fn up(&self, name: &str) {
        self.component(name, |component| {
            component.state = ComponentState::Up;
            component.log.clear();
            component.ready_at.get_or_insert_with(jiff::Timestamp::now);
        });
    }

    /// Records a fault, also at the component that it is about.
    pub fn fault(&self, fault: &Fault) {
        if let Some(name) = &fault.problem.component {
            self.component(name, |component| {
                component.state = if fault.permanent { ComponentState::Failed } else { ComponentState::BackOff };
                component.log.clone_from(&fault.problem.log);
                if component.log.is_empty() {
                    component.log.push(fault.problem.message.clone());
                }
            });
        }
        self.change(|state| state.fault = Some((fault.problem.clone(), fault.permanent)));
    }

    /// Clears the fault, as what failed works now.
    pub fn clear_fault(&self) {
        self.change(|state| state.fault = None);
    }

    /// Records the swarm's join tokens.
    pub fn swarm(&self, tokens: SwarmTokens) {
        self.change(|state| state.swarm = Some(tokens));
    }

    /// Records the engine's view of the cluster's nodes; `None` when it is not known any more.
    pub fn engine_nodes(&self, view: Option<EngineView>) {
        self.change(|state| state.engine_nodes = view);
    }

    /// Changes the properties of the machine.
    pub fn facts(&self, change: impl FnOnce(&mut Facts)) {
        self.change(|state| change(&mut state.facts));
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        self.state.send_if_modified(|state| {
            let before = state.clone();
            change(state);
            *state != before
        });
    }
}

impl State {
    /// Creates the report of this state.
    pub fn report(&self) -> Report {
        let problem = self.problem();
        let phase = match &problem {
            Some((_, true)) => NodePhase::Failed,
            None if self.is_up() => NodePhase::Up,
            _ => NodePhase::Starting,
        };
        Report {
            revision: self.revision,
            authorities: self.authorities,
            phase,
            components: self.components.clone(),
            problem: problem.map(|(problem, _)| problem),
            facts: self.facts.clone(),
            swarm: self.swarm.clone(),
            engine_nodes: self.engine_nodes.clone(),
        }
    }

    fn is_up(&self) -> bool {
        !self.components.is_empty() && self.components.iter().all(|c| c.state == ComponentState::Up)
    }

    /// The worst problem, and whether it is permanent: it stays until something changes from outside.
    fn problem(&self) -> Option<(Problem, bool)> {
        if self.fault.is_some() {
            return self.fault.clone();
        }
        let worst = |state| self.components.iter().find(move |component| component.state == state);
        let component = worst(ComponentState::Failed)
            .or_else(|| worst(ComponentState::BackOff))
            .or_else(|| worst(ComponentState::Unresponsive))?;
        let last = component.log.last().map_or(String::new(), |line| format!(": {line}"));
        let (code, message) = if component.state == ComponentState::Unresponsive {
            (Code::ComponentUnresponsive, format!("{} runs, but does not answer", component.name))
        } else if self.missing.contains(&component.name) {
            (Code::ComponentMissing, format!("{} cannot be started{last}", component.name))
        } else {
            let times = component.restarts.max(1);
            (Code::ComponentCrashed, format!("{} ended {times} times{last}", component.name))
        };
        let problem = Problem {
            code: code.to_string(),
            message,
            component: Some(component.name.clone()),
            log: component.log.clone(),
        };
        Some((problem, component.state == ComponentState::Failed))
    }
}

fn another_chance(mut component: ComponentReport) -> ComponentReport {
    component.recent_restarts = 0;
    if matches!(component.state, ComponentState::Failed | ComponentState::BackOff) {
        component.state = ComponentState::Starting;
        component.log.clear();
    }
    component
}

fn waiting(name: &str) -> ComponentReport {
    ComponentReport {
        name: name.to_owned(),
        state: ComponentState::Waiting,
        version: None,
        restarts: 0,
        recent_restarts: 0,
        started_at: None,
        ready_at: None,
        log: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(board: &Board) -> Report {
        board.subscribe().borrow().report()
    }

    #[test]
    fn a_node_is_up_when_all_announced_components_are() {
        let board = Board::new(Facts::default());
        assert_eq!(report(&board).phase, NodePhase::Starting);
        board.begin(1, &["etcd", "kubelet"]);
        board.up("etcd");
        assert_eq!(report(&board).phase, NodePhase::Starting);
        board.up("kubelet");
        assert_eq!(report(&board).phase, NodePhase::Up);
        assert_eq!(report(&board).revision, 1);
    }

    #[test]
    fn a_new_assignment_keeps_what_is_known_of_components_that_stay() {
        let board = Board::new(Facts::default());
        board.begin(1, &["etcd", "kubelet"]);
        board.up("kubelet");
        board.begin(2, &["kubelet", "dns"]);
        let states: Vec<_> = report(&board).components.iter().map(|c| (c.name.clone(), c.state)).collect();
        assert_eq!(states, [("kubelet".to_owned(), ComponentState::Up), ("dns".to_owned(), ComponentState::Waiting)]);
    }

    #[test]
    fn a_component_that_keeps_ending_is_the_problem_with_its_last_words() {
        let board = Board::new(Facts::default());
        board.begin(1, &["kubelet"]);
        board.component("kubelet", |component| {
            component.state = ComponentState::Failed;
            component.restarts = 6;
            component.log = vec!["swap is on".to_owned()];
        });
        let report = report(&board);
        assert_eq!(report.phase, NodePhase::Failed);
        let problem = report.problem.unwrap();
        assert_eq!(problem.code, "component_crashed");
        assert_eq!(problem.message, "kubelet ended 6 times: swap is on");
    }

    #[test]
    fn a_component_whose_program_cannot_be_run_is_missing_until_it_runs() {
        let board = Board::new(Facts::default());
        board.begin(1, &["kubelet"]);
        board.component("kubelet", |component| {
            component.state = ComponentState::BackOff;
            component.log = vec!["cannot run kubelet: no such file".to_owned()];
        });
        board.missing("kubelet", true);
        let problem = report(&board).problem.unwrap();
        assert_eq!(problem.code, "component_missing");
        assert_eq!(problem.message, "kubelet cannot be started: cannot run kubelet: no such file");
        board.missing("kubelet", false);
        assert_eq!(report(&board).problem.unwrap().code, "component_crashed");
    }

    #[test]
    fn a_permanent_fault_fails_the_node_and_a_passing_one_does_not() {
        let board = Board::new(Facts::default());
        board.begin(1, &["network"]);
        board.fault(&Fault::passing(Code::NetworkFailed, "network", "no route"));
        assert_eq!(report(&board).phase, NodePhase::Starting);
        assert_eq!(report(&board).components[0].state, ComponentState::BackOff);
        board.fault(&Fault::permanent(Code::NetworkFailed, "network", "no route"));
        assert_eq!(report(&board).phase, NodePhase::Failed);
        board.clear_fault();
        board.up("network");
        assert_eq!(report(&board).phase, NodePhase::Up);
    }

    #[test]
    fn nothing_new_wakes_nobody() {
        let board = Board::new(Facts::default());
        board.begin(1, &["dns"]);
        board.up("dns");
        let mut watcher = board.subscribe();
        watcher.mark_unchanged();
        board.up("dns");
        assert!(!watcher.has_changed().unwrap());
    }
}
