//! `jeroboam bay why`: what is wrong with a cluster and the next step.

use jeroboam_types::why::{Why, WhyProblem, WhyTried};

use super::Context;
use super::failure::Failure;
use super::output::moment;
use super::progress::causes;
use super::style::{BAD, BOLD, DIM, GOOD, paint, status};

pub(crate) async fn run(context: &Context, ident: &str) -> Result<(), Failure> {
    let why = context.client.why(ident).await?;
    context.out.tree(&why, &why.name, &text(&why))
}

fn text(why: &Why) -> String {
    let mut head = vec![paint(BOLD, &why.name), status(&why.status)];
    head.extend(why.health_status.as_deref().map(status));
    let mut lines = vec![head.join("  ")];
    if why.problems.is_empty() {
        lines.push(paint(GOOD, &why.summary));
    }
    lines.extend(why.problems.iter().map(problem));
    if !why.tried.is_empty() {
        lines.push(String::new());
        lines.push(paint(BOLD, "Tried in the last day:"));
        lines.extend(why.tried.iter().map(tried));
    }
    lines.push(String::new());
    lines.push(format!("{} {}", paint(BOLD, "Repair:"), why.healing));
    lines.join("\n")
}

fn problem(problem: &WhyProblem) -> String {
    let since = problem.since.map(|at| format!("  since {}", moment(Some(at)))).unwrap_or_default();
    let mut text = format!("\n{}{}{}", paint(BAD, &problem.subject), paint(DIM, &since), causes(&problem.cause));
    if let Some(command) = &problem.command {
        text += &format!("\n    {} {}", paint(DIM, "type:        "), paint(BOLD, command));
    }
    text
}

fn tried(tried: &WhyTried) -> String {
    let why = tried.cause.as_ref().map(|cause| format!(": {}", cause.message)).unwrap_or_default();
    let at = paint(DIM, &moment(Some(tried.at)));
    format!("  {at}  {} {}{why}", tried.kind, status(&tried.status.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(problems: &serde_json::Value, tried: &serde_json::Value) -> Why {
        serde_json::from_value(serde_json::json!({
            "uuid": "11111111-2222-3333-4444-555555555555", "name": "demo", "status": "UPDATE_COMPLETE",
            "health_status": "UNHEALTHY", "summary": "nothing is wrong", "problems": problems, "tried": tried,
            "healing": "on: missing parts are repaired automatically"
        }))
        .unwrap()
    }

    #[test]
    fn what_is_wrong_is_told_with_what_to_type() {
        let cause = serde_json::json!({
            "code": "machine_stopped", "who_must_act": "operator", "message": "its machine has stopped",
            "action": "nothing: it is repaired by itself", "retryable": true
        });
        let problems = serde_json::json!([{
            "subject": "node demo-worker-0", "cause": cause, "since": "2026-11-29T12:00:00Z",
            "command": "jeroboam bay repair demo"
        }]);
        let tried = serde_json::json!([{
            "operation": "11111111-2222-3333-4444-555555555555", "kind": "repair", "status": "failed",
            "at": "2026-11-29T12:01:00Z", "cause": cause
        }]);
        insta::assert_snapshot!(anstream::adapter::strip_str(&text(&why(&problems, &tried))).to_string());
    }

    #[test]
    fn that_nothing_is_wrong_is_told_too() {
        let text = text(&why(&serde_json::json!([]), &serde_json::json!([])));
        insta::assert_snapshot!(anstream::adapter::strip_str(&text).to_string());
    }
}
