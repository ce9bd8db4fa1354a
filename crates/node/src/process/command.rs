//! Programs that are run once and say what came of it.

use std::ffi::OsStr;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

/// Runs a program to its end; gives what it printed.
///
/// # Errors
/// What it said when it failed, or why it could not be run or did not end within `patience`.
pub async fn output<A: AsRef<OsStr>>(
    program: &str,
    arguments: impl IntoIterator<Item = A>,
    patience: Duration,
) -> Result<String, String> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(patience, command.output())
        .await
        .map_err(|_| format!("{program} did not end within {patience:?}"))?
        .map_err(|error| format!("running {program}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    match String::from_utf8_lossy(&output.stderr).trim() {
        "" => Err(format!("{program} ended with {}", output.status)),
        said => Err(said.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn a_program_says_what_came_of_it() {
        let sh = |script: &'static str| output("sh", ["-c", script], PATIENCE);
        assert_eq!(sh("echo out; echo err >&2").await.unwrap(), "out");
        assert_eq!(sh("echo why >&2; exit 3").await.unwrap_err(), "why");
        assert_eq!(sh("exit 3").await.unwrap_err(), "sh ended with exit status: 3");
        assert!(output("no-such-program", [""; 0], PATIENCE).await.unwrap_err().contains("running no-such-program"));
        let slow = output("sleep", ["60"], Duration::from_millis(20)).await.unwrap_err();
        assert_eq!(slow, "sleep did not end within 20ms");
    }
}
