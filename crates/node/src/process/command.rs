//! Programs that are run once for their output.

use std::ffi::OsStr;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// Runs a program until it exits, and returns its output.
///
/// # Errors
/// Its error output when it failed, or why it could not be run or did not exit within `patience`.
pub async fn output<A: AsRef<OsStr>>(
    program: &str,
    arguments: impl IntoIterator<Item = A>,
    patience: Duration,
) -> Result<String, String> {
    run(program, arguments, "", patience).await
}

/// Timeout of a program with input: those that set packet filter rules, which wait for each other.
const INPUT_PATIENCE: Duration = Duration::from_secs(30);

/// As [`output`], for a program that reads `input`.
///
/// # Errors
/// As [`output`].
pub async fn output_of_input<A: AsRef<OsStr>>(
    program: &str,
    arguments: impl IntoIterator<Item = A>,
    input: &str,
) -> Result<String, String> {
    run(program, arguments, input, INPUT_PATIENCE).await
}

async fn run<A: AsRef<OsStr>>(
    program: &str,
    arguments: impl IntoIterator<Item = A>,
    input: &str,
    patience: Duration,
) -> Result<String, String> {
    let mut command = Command::new(program);
    let stdin = if input.is_empty() { Stdio::null() } else { Stdio::piped() };
    command.args(arguments).stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let ended = async {
        let mut child = command.spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            // A program that exits before it has read its input reports the reason itself.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
        child.wait_with_output().await
    };
    let output = tokio::time::timeout(patience, ended)
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
        assert_eq!(output_of_input("cat", [""; 0], "in").await.unwrap(), "in");
        let slow = output("sleep", ["60"], Duration::from_millis(20)).await.unwrap_err();
        assert_eq!(slow, "sleep did not end within 20ms");
    }
}
