//! `--plan` and `--apply`: showing what a change would do, and carrying out exactly that plan.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use jeroboam_client::Change;
use jeroboam_client::cluster::Accepted;
use jeroboam_types::operation::OperationKind;
use jeroboam_types::plan::{Disturbance, Plan, PlannedStep};

use super::Context;
use super::failure::Failure;
use super::output::complain;
use super::progress::causes;
use super::style::{BAD, BOLD, DIM, WARN, paint};

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// Dry run: show the steps in order, and what each disrupts.
    #[arg(long)]
    plan: bool,

    /// Write the plan to a file, for --apply.
    #[arg(long, value_name = "FILE", requires = "plan")]
    out: Option<PathBuf>,

    /// Carry out a plan from a file, only if the state it is based on is unchanged. Repeat the options of the planned
    /// command.
    #[arg(long, value_name = "FILE", conflicts_with = "plan")]
    apply: Option<PathBuf>,
}

impl PlanArgs {
    /// Requests a change; or shows its plan, if requested, and then there is no operation to follow.
    pub(crate) async fn ask(&self, context: &Context, change: Change<'_>) -> Result<Option<Accepted>, Failure> {
        if self.plan {
            let plan = context.client.plan(change).await?;
            self.show(context, &plan)?;
            return Ok(None);
        }
        let accepted = match &self.apply {
            Some(path) => context.client.ask_as_planned(change, &read(path)?).await?,
            None => context.client.ask(change).await?,
        };
        Ok(Some(accepted))
    }

    /// Refuses a plan file with several changes: a plan is for one change.
    pub(crate) fn check_one(&self, changes: usize) -> Result<(), Failure> {
        let is_kept = self.out.is_some() || self.apply.is_some();
        if is_kept && changes > 1 {
            return Err(Failure::Usage("--out and --apply need exactly one name: a plan is for one change".to_owned()));
        }
        Ok(())
    }

    fn show(&self, context: &Context, plan: &Plan) -> Result<(), Failure> {
        let name = plan.cluster_name.as_deref().unwrap_or_default();
        context.out.tree(plan, name, &text(plan))?;
        let hint = match &self.out {
            Some(path) => {
                let json = serde_json::to_string_pretty(plan).map_err(anyhow::Error::new)?;
                std::fs::write(path, json).with_context(|| format!("writing the plan to {}", path.display()))?;
                let path = path.display();
                format!("Carry it out: the same command with --apply {path} instead of --plan --out {path}")
            }
            None => "Nothing was changed. To carry out exactly this later, keep it: --plan --out FILE".to_owned(),
        };
        if context.out.is_for_people() { complain(&paint(DIM, &format!("\n{hint}"))) } else { Ok(()) }
    }
}

fn read(path: &Path) -> Result<Plan, Failure> {
    let doing = || format!("reading the plan {}: it should be a file that --plan --out has written", path.display());
    let text = std::fs::read_to_string(path).with_context(doing)?;
    Ok(serde_json::from_str(&text).with_context(doing)?)
}

fn text(plan: &Plan) -> String {
    let mut lines = vec![head(plan)];
    lines.extend(plan.disturbs_at_once.iter().map(|disturbance| format!("  at once: {}", painted(disturbance))));
    let mut stage = None;
    for step in &plan.steps {
        if stage.replace(step.stage) != Some(step.stage) {
            lines.push(paint(BOLD, &format!("stage {}", step.stage)));
        }
        lines.extend(step_lines(step));
    }
    if !plan.waits_for.is_empty() {
        let ids: Vec<String> = plan.waits_for.iter().map(ToString::to_string).collect();
        let note = "It waits for running operations; the steps are based on the current state. Operations:";
        lines.push(paint(WARN, &format!("{note} {}", ids.join(", "))));
    }
    if let Some(cause) = &plan.obstacle {
        lines.push(format!("{}{}", paint(BAD, "It would fail:"), causes(cause)));
    }
    lines.join("\n")
}

fn head(plan: &Plan) -> String {
    let name = paint(BOLD, plan.cluster_name.as_deref().unwrap_or_default());
    match (plan.kind, plan.under_way, plan.steps.len()) {
        (_, Some(operation), _) => format!("operation {operation} does this already: no other would start"),
        (None, None, _) => "no operation would start: this takes effect at once, or is the case already".to_owned(),
        (Some(kind), None, 0) => format!("{} of {name}: nothing to do", word(kind)),
        (Some(kind), None, 1) => format!("{} of {name}: 1 step", word(kind)),
        (Some(kind), None, count) => format!("{} of {name}: {count} steps", word(kind)),
    }
}

fn word(kind: OperationKind) -> String {
    format!("plan of {kind}")
}

fn step_lines(step: &PlannedStep) -> Vec<String> {
    let mut lines = vec![format!("  {}  {}", step.title, paint(DIM, &format!("because {}", step.because)))];
    if step.disturbs.is_empty() {
        lines.push(paint(DIM, "      disturbs nothing"));
    }
    lines.extend(step.disturbs.iter().map(|disturbance| format!("      disturbs: {}", painted(disturbance))));
    lines
}

fn painted(disturbance: &Disturbance) -> String {
    paint(WARN, &disturbance.message)
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
