//! State or exit of a node's container, for people.

use bollard::container::LogOutput;
use bollard::models::{ContainerInspectResponse, ContainerState};
use bollard::query_parameters::{InspectContainerOptions, LogsOptions};
use futures::TryStreamExt;
use jeroboam_model::plan::MachineState;
use uuid::Uuid;

use super::engine::{Engine, LOOK};
use super::{Docker, observe};
use crate::{Diagnosis, Result};

/// How many of its last log lines to show: enough for a panic or the error of the component that failed.
const LOG_LINES: usize = 20;
/// How many characters of a line to show.
const LINE_CHARS: usize = 500;

/// Exit codes above this are 128 plus the number of the signal that killed the container.
const SIGNALLED: i64 = 128;

/// Diagnoses the node's container; `None` when it has none.
pub(super) async fn node(docker: &Docker, engine: &Engine, cluster: Uuid, node: Uuid) -> Result<Option<Diagnosis>> {
    let Some(machine) = observe::cluster(docker, engine, cluster).await?.machines.remove(&node) else {
        return Ok(None);
    };
    let look = engine.docker.inspect_container(&machine.id, None::<InspectContainerOptions>);
    let container = match engine.call("Looking at a container", LOOK, look).await {
        Ok(container) => container,
        Err(failure) if failure.is_gone() => return Ok(None),
        Err(failure) => return Err(failure.into()),
    };
    let log = last_words(engine, &machine.id).await;
    let restarts = container.restart_count.and_then(|count| count.try_into().ok()).unwrap_or_default();
    Ok(Some(Diagnosis { state: machine.state, restarts, summary: summary(machine.state, &container), log }))
}

fn summary(state: MachineState, container: &ContainerInspectResponse) -> String {
    let name = container.name.as_deref().unwrap_or_default().trim_start_matches('/');
    let restarts = container.restart_count.unwrap_or_default();
    let Some(how) = &container.state else { return format!("the container {name} is in no known state") };
    let times = if restarts > 0 { format!(", started again {restarts} times") } else { String::new() };
    if how.restarting == Some(true) {
        return format!("the container {name} keeps ending with {}{times}", exit(how));
    }
    match state {
        MachineState::Created => format!("the container {name} was created but not started{}", error(how)),
        MachineState::Paused => format!("the container {name} is paused"),
        MachineState::CutOff => format!("the container {name} runs, but is on no network"),
        MachineState::Running => format!("the container {name} runs{times}"),
        MachineState::Stopped => {
            let when = how.finished_at.as_deref().map(|at| format!(" at {at}")).unwrap_or_default();
            format!("the container {name} ended with {}{when}{times}{}", exit(how), error(how))
        }
    }
}

/// The exit code and what it means.
fn exit(how: &ContainerState) -> String {
    let code = how.exit_code.unwrap_or_default();
    let meaning = match code {
        _ if how.oom_killed == Some(true) => " (out of memory)",
        0 => " (without error)",
        137 => " (killed)",
        139 => " (crashed)",
        143 => " (SIGTERM)",
        code if code > SIGNALLED => " (killed by a signal)",
        _ => "",
    };
    format!("exit code {code}{meaning}")
}

/// The engine's error for the container, if any.
fn error(how: &ContainerState) -> String {
    how.error.as_deref().filter(|error| !error.is_empty()).map(|error| format!(": {error}")).unwrap_or_default()
}

/// The last lines of its log. Empty when they cannot be read: the summary is then shown without them.
async fn last_words(engine: &Engine, id: &str) -> Vec<String> {
    let options = LogsOptions { stdout: true, stderr: true, tail: LOG_LINES.to_string(), ..LogsOptions::default() };
    let read = engine.docker.logs(id, Some(options)).map_ok(LogOutput::into_bytes).try_collect::<Vec<_>>();
    match engine.call("Reading a container's output", LOOK, read).await {
        Ok(chunks) => lines(&String::from_utf8_lossy(&chunks.concat())),
        Err(failure) => {
            tracing::debug!(container = id, error = %failure.error, "a container's output cannot be read");
            Vec::new()
        }
    }
}

/// Lines for display: without colours and other control characters, and shortened.
fn lines(text: &str) -> Vec<String> {
    let lines: Vec<String> = text
        .lines()
        .map(|line| plain(line).trim_end().chars().take(LINE_CHARS).collect::<String>())
        .filter(|line| !line.is_empty())
        .collect();
    lines[lines.len().saturating_sub(LOG_LINES)..].to_vec()
}

/// The line without escape sequences (ECMA-48 section 5.4) and control characters.
fn plain(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' && chars.next_if_eq(&'[').is_some() {
            chars.by_ref().find(|c| ('@'..='~').contains(c));
        } else if c == '\t' || !c.is_control() {
            plain.push(c);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(state: MachineState, how: ContainerState, restarts: i64) -> String {
        let container = ContainerInspectResponse {
            name: Some("/jeroboam-1-c".into()),
            restart_count: Some(restarts),
            state: Some(how),
            ..ContainerInspectResponse::default()
        };
        summary(state, &container)
    }

    #[test]
    fn the_summary_says_how_the_container_ended() {
        let ended =
            |code, oom| ContainerState { exit_code: Some(code), oom_killed: Some(oom), ..ContainerState::default() };
        for (code, oom, text) in [
            (137, false, "the container jeroboam-1-c ended with exit code 137 (killed)"),
            (137, true, "the container jeroboam-1-c ended with exit code 137 (out of memory)"),
            (2, false, "the container jeroboam-1-c ended with exit code 2"),
            (134, false, "the container jeroboam-1-c ended with exit code 134 (killed by a signal)"),
        ] {
            assert_eq!(said(MachineState::Stopped, ended(code, oom), 0), text);
        }
        let again = ContainerState { restarting: Some(true), ..ended(1, false) };
        assert_eq!(
            said(MachineState::Running, again, 7),
            "the container jeroboam-1-c keeps ending with exit code 1, started again 7 times"
        );
        assert_eq!(said(MachineState::Running, ContainerState::default(), 0), "the container jeroboam-1-c runs");
    }

    #[test]
    fn lines_come_without_colours_and_only_the_last_ones() {
        assert_eq!(lines("\u{1b}[31mred\u{1b}[0m\r\n\n a\tb\u{7}\n"), ["red", " a\tb"]);
        let many: String = (0..50).map(|n| format!("{n}\n")).collect();
        assert_eq!(lines(&many).first().map(String::as_str), Some("30"));
        assert_eq!(lines(&"x".repeat(2 * LINE_CHARS))[0].len(), LINE_CHARS);
    }
}
