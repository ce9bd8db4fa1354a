use jeroboam_types::error::WhoMustAct;
use jeroboam_types::operation::OperationKind;
use uuid::Uuid;

use super::*;

fn at(second: f64) -> Timestamp {
    Timestamp::from_millisecond((second * 1000.0) as i64).unwrap()
}

fn step(title: &str, status: StepStatus, cause: Option<Cause>) -> Step {
    Step {
        key: title.to_owned(),
        title: title.to_owned(),
        stage: 0,
        status,
        attempts: 1,
        progress: None,
        added_because: None,
        started_at: Some(at(0.0)),
        finished_at: matches!(status, StepStatus::Done | StepStatus::Failed).then(|| at(0.84)),
        cause,
    }
}

fn cause() -> Cause {
    Cause {
        code: "image_not_found".to_owned(),
        who_must_act: WhoMustAct::ProjectAdmin,
        message: "starting machine demo-worker-0: there is no image jeroboam/node:nope".to_owned(),
        detail: Some("No such image: jeroboam/node:nope".to_owned()),
        action: "Name another image in the template".to_owned(),
        retryable: false,
    }
}

fn operation(status: OperationStatus, steps: Vec<Step>) -> Operation {
    Operation {
        uuid: Uuid::nil(),
        kind: OperationKind::Create,
        status,
        cluster_uuid: Uuid::nil(),
        cluster_name: "demo".to_owned(),
        project_id: "p".to_owned(),
        user_id: "u".to_owned(),
        request_id: "req-1".to_owned(),
        created_at: at(0.0),
        started_at: Some(at(0.5)),
        finished_at: Some(at(65.5)),
        deadline_at: None,
        retry_of: None,
        replace_data: false,
        receipt: None,
        cause: None,
        steps,
    }
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[test]
fn a_step_is_one_line_when_it_is_done_and_silent_while_it_runs() {
    let done = plain(&line(&step("Make network demo", StepStatus::Done, None)).unwrap());
    assert_eq!(done, format!("  ✓ {:<48} 0.8 s", "Make network demo"));
    for quiet in [StepStatus::Pending, StepStatus::Running, StepStatus::Skipped] {
        assert!(line(&step("x", quiet, None)).is_none(), "{quiet}");
    }
}

#[test]
fn a_blocked_step_says_that_it_goes_on_by_itself() {
    let text = plain(&line(&step("Start machine demo-worker-0", StepStatus::Blocked, Some(cause()))).unwrap());
    assert!(text.contains("No such image") && text.contains("automatically"), "{text}");
}

#[test]
fn a_failure_is_told_in_full() {
    let steps = vec![
        step("Make network demo", StepStatus::Done, None),
        step("Start machine demo-worker-0", StepStatus::Failed, Some(cause())),
    ];
    insta::assert_snapshot!(plain(&summary(&operation(OperationStatus::Failed, steps))));
}

#[test]
fn a_cause_without_a_step_is_told_too() {
    let mut operation = operation(OperationStatus::Cancelled, Vec::new());
    operation.cause = Some(cause());
    assert!(plain(&summary(&operation)).contains("to do:        Name another image"));
}

#[test]
fn times_are_short() {
    assert_eq!(duration(Duration::from_millis(840)), "0.8 s");
    assert_eq!(duration(Duration::from_secs(185)), "3 min 05 s");
    assert_eq!(between(at(5.0), at(1.0)), Duration::ZERO);
}

#[test]
fn nothing_is_printed_twice() {
    let mut progress = Progress::new(Target::Error, false);
    let operation = operation(OperationStatus::Running, vec![step("a", StepStatus::Done, None)]);
    progress.update(&operation, at(1.0)).unwrap();
    let seen = progress.seen.clone();
    progress.update(&operation, at(2.0)).unwrap();
    assert_eq!(progress.seen, seen);
}
