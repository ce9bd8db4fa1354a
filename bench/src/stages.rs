//! Where the time of an operation goes: its steps, grouped by kind.

use jeroboam_types::operation::{Operation, Step};

use crate::samples::Samples;

/// The roles of nodes, as in names and labels.
pub(crate) const MASTER: &str = "master";
pub(crate) const WORKER: &str = "worker";

/// When steps of one kind started and finished, in seconds since the request, over several operations.
#[derive(Default)]
pub(crate) struct Stages(Vec<Stage>);

struct Stage {
    kind: String,
    begin: Samples,
    end: Samples,
}

impl Stages {
    /// Adds the steps of an operation.
    pub(crate) fn add(&mut self, operation: &Operation) {
        let mut spans: Vec<(String, f64, f64)> = Vec::new();
        for step in &operation.steps {
            let (Some(begin), Some(end)) = (step.started_at, step.finished_at) else { continue };
            let seconds = |at: jiff::Timestamp| at.duration_since(operation.created_at).as_secs_f64();
            let (kind, begin, end) = (kind(step), seconds(begin), seconds(end));
            match spans.iter_mut().find(|span| span.0 == kind) {
                Some(span) => (span.1, span.2) = (span.1.min(begin), span.2.max(end)),
                None => spans.push((kind, begin, end)),
            }
        }
        for (kind, begin, end) in spans {
            let known = self.0.iter().position(|stage| stage.kind == kind);
            let index = known.unwrap_or_else(|| {
                self.0.push(Stage { kind, begin: Samples::default(), end: Samples::default() });
                self.0.len() - 1
            });
            if let Some(stage) = self.0.get_mut(index) {
                stage.begin.add(begin);
                stage.end.add(end);
            }
        }
    }

    /// All stages in one line.
    pub(crate) fn text(&self) -> String {
        let stages =
            self.0.iter().map(|stage| format!("{} {:.2}–{:.2}", stage.kind, stage.begin.median(), stage.end.median()));
        stages.collect::<Vec<_>>().join(" · ")
    }
}

/// The kind of a step, with the role of its node, from its key: `machine/bench-worker-0` is `machine worker`.
fn kind(step: &Step) -> String {
    match step.key.split_once('/') {
        Some((what, node)) => {
            let role = if node.contains("-master-") { MASTER } else { WORKER };
            format!("{what} {role}")
        }
        None => step.key.clone(),
    }
}

#[cfg(test)]
mod tests {
    use jeroboam_types::operation::{OperationKind, OperationStatus, StepStatus};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn steps_of_a_kind_span_from_the_first_begin_to_the_last_end() {
        let at = |millis: i64| jiff::Timestamp::from_millisecond(millis).unwrap();
        let step = |key: &str, begin, end| Step {
            key: key.to_owned(),
            title: String::new(),
            stage: 1,
            status: StepStatus::Done,
            attempts: 1,
            progress: None,
            started_at: Some(at(begin)),
            finished_at: Some(at(end)),
            cause: None,
            added_because: None,
        };
        let operation = Operation {
            uuid: Uuid::nil(),
            kind: OperationKind::Create,
            status: OperationStatus::Succeeded,
            cluster_uuid: Uuid::nil(),
            cluster_name: "b".to_owned(),
            project_id: String::new(),
            user_id: String::new(),
            request_id: String::new(),
            created_at: at(1000),
            started_at: None,
            finished_at: None,
            deadline_at: None,
            retry_of: None,
            replace_data: false,
            cause: None,
            receipt: None,
            steps: vec![
                step("network", 1100, 1200),
                step("machine/b-worker-0", 1200, 1500),
                step("machine/b-worker-1", 1300, 1700),
            ],
        };
        let mut stages = Stages::default();
        stages.add(&operation);
        assert_eq!(stages.text(), "network 0.10–0.20 · machine worker 0.20–0.70");
    }
}
