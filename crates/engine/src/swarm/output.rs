//! Reads the output of a container or of a command in it, with limits. A command that exceeds its limit is killed.

use std::collections::VecDeque;
use std::time::Duration;

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::exec::{CreateExecOptions, StartExecOptions, StartExecResults};
use bollard::query_parameters::LogsOptions;
use futures::{Stream, StreamExt as _};
use jeroboam_types::v1::ContainerOutput;
use scopeguard::ScopeGuard;
use uuid::Uuid;

use super::error;
use crate::WorkloadError;

/// Most bytes that are returned; the last ones, because the end of a log is the most useful part.
const MAX_BYTES: usize = 1 << 20;
/// Lines of a log that are requested; earlier ones are not read.
const MAX_LINES: &str = "10000";
/// How long reading a log may take.
const LOGS_LIMIT: Duration = Duration::from_secs(10);
/// How long the engine may take for each request around a command.
const EXEC_REQUEST_LIMIT: Duration = Duration::from_secs(5);
/// How long killing a command may take in all.
const END_LIMIT: Duration = Duration::from_secs(5);
/// Between two checks whether a command has exited.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// Bytes of a command's output that the timeout error includes.
const TOLD_BYTES: usize = 1 << 10;
/// Environment variable of a command and its child processes, by which they are found to be killed.
const MARK: &str = "JEROBOAM_EXEC";
/// Kills all processes of a container that have a mark in their environment. The engine's API can only stop containers,
/// and knows process ids only as they are outside of the container.
/// The shell drops the zero bytes between variables, which does not matter for the mark.
/// Runs twice: a process may have started another one during the first round.
const END_MARKED: &str = r#"
for round in 1 2; do
    for dir in /proc/[0-9]*; do
        case "$(cat "$dir/environ")" in *"$1"*) kill -9 "${dir#/proc/}" ;; esac
    done
done 2>/dev/null"#;

/// A container's log, standard output and standard error merged.
pub(super) async fn logs(docker: &Docker, task: &str) -> Result<ContainerOutput, WorkloadError> {
    let options = LogsOptions { stdout: true, stderr: true, tail: MAX_LINES.to_owned(), ..LogsOptions::default() };
    let mut tail = Tail::new(MAX_BYTES);
    let outcome = tokio::time::timeout(LOGS_LIMIT, collect(docker.task_logs(task, Some(options)), &mut tail)).await;
    match outcome {
        Ok(Ok(())) => {}
        // A partial log is better than none.
        Ok(Err(said)) if tail.is_empty() => return Err(error::workload(&said)),
        Err(_) if tail.is_empty() => {
            return Err(WorkloadError::Unreachable(format!("no log within {} s", LOGS_LIMIT.as_secs())));
        }
        Ok(Err(said)) => tracing::debug!(task, error = %said, "the log was interrupted"),
        Err(_) => tracing::debug!(task, "the log was not complete in time"),
    }
    Ok(ContainerOutput { output: tail.into_text(), exit_code: None })
}

/// Runs a command in a container for at most `limit`; then it is killed with its child processes. The same happens when
/// the future is dropped.
///
/// # Errors
/// [`WorkloadError::TimedOut`] says whether the command could be killed, and has its last output.
pub(super) async fn exec(
    docker: &Docker,
    container: &str,
    words: Vec<String>,
    limit: Duration,
) -> Result<ContainerOutput, WorkloadError> {
    let mark = format!("{MARK}={}", Uuid::new_v4());
    let options = CreateExecOptions {
        cmd: Some(words),
        env: Some(vec![mark.clone()]),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        ..CreateExecOptions::default()
    };
    let made = limited(docker.create_exec(container, options)).await?;
    let started = limited(docker.start_exec(&made.id, None::<StartExecOptions>)).await?;
    let unheard = scopeguard::guard((docker.clone(), container.to_owned()), |(docker, container)| {
        let (exec, mark) = (made.id.clone(), mark.clone());
        tokio::spawn(async move {
            let ended = tokio::time::timeout(END_LIMIT, end(&docker, &container, &exec, mark)).await;
            tracing::debug!(exec, has_ended = matches!(ended, Ok(Ok(()))), "the request for the command was dropped");
        });
    });
    let mut tail = Tail::new(MAX_BYTES);
    if let StartExecResults::Attached { output, input } = started {
        let outcome = tokio::time::timeout(limit, collect(output, &mut tail)).await;
        drop(input);
        drop(ScopeGuard::into_inner(unheard));
        match outcome {
            Ok(Ok(())) => {}
            // Its output is too large, or the connection broke: nobody hears it any more.
            Ok(Err(said)) => {
                let _ = tokio::time::timeout(END_LIMIT, end(docker, container, &made.id, mark.clone())).await;
                return Err(error::workload(&said));
            }
            Err(_) => {
                let ended = tokio::time::timeout(END_LIMIT, end(docker, container, &made.id, mark.clone())).await;
                return Err(timed_out(limit, matches!(ended, Ok(Ok(()))), tail));
            }
        }
    }
    let inspected = limited(docker.inspect_exec(&made.id)).await?;
    Ok(ContainerOutput { output: tail.into_text(), exit_code: inspected.exit_code })
}

/// Kills a command with its child processes, and waits until it is gone.
async fn end(docker: &Docker, container: &str, exec: &str, mark: String) -> Result<(), Error> {
    let words = ["/bin/sh", "-c", END_MARKED, "sh", &mark].map(ToOwned::to_owned).to_vec();
    let options = CreateExecOptions { cmd: Some(words), ..CreateExecOptions::default() };
    let made = docker.create_exec(container, options).await?;
    docker.start_exec(&made.id, Some(StartExecOptions { detach: true, ..StartExecOptions::default() })).await?;
    while docker.inspect_exec(exec).await?.running == Some(true) {
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
    Ok(())
}

fn timed_out(limit: Duration, has_ended: bool, tail: Tail) -> WorkloadError {
    let outcome = if has_ended {
        "it was ended. Run what takes long in a container of its own"
    } else {
        "it still runs, because it could not be ended (that needs sh and cat in the image, and works only for \
         processes of the same user). Delete the container to end it"
    };
    let mut last = Tail::new(TOLD_BYTES);
    last.push(tail.into_text().as_bytes());
    let said = if last.is_empty() { String::new() } else { format!(". Its last output: {}", last.into_text()) };
    WorkloadError::TimedOut(format!("the command did not end within {} s; {outcome}{said}", limit.as_secs()))
}

async fn limited<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, WorkloadError> {
    match tokio::time::timeout(EXEC_REQUEST_LIMIT, work).await {
        Ok(outcome) => outcome.map_err(|said| error::workload(&said)),
        Err(_) => Err(WorkloadError::Unreachable(format!(
            "the node's engine did not answer within {} s",
            EXEC_REQUEST_LIMIT.as_secs()
        ))),
    }
}

async fn collect(stream: impl Stream<Item = Result<LogOutput, Error>>, tail: &mut Tail) -> Result<(), Error> {
    let mut stream = std::pin::pin!(stream);
    while let Some(chunk) = stream.next().await {
        tail.push(chunk?.as_ref());
    }
    Ok(())
}

/// The last bytes of an output.
struct Tail {
    limit: usize,
    bytes: VecDeque<u8>,
    dropped: usize,
}

impl Tail {
    fn new(limit: usize) -> Self {
        Self { limit, bytes: VecDeque::new(), dropped: 0 }
    }

    fn push(&mut self, chunk: &[u8]) {
        self.bytes.extend(chunk);
        let excess = self.bytes.len().saturating_sub(self.limit);
        self.bytes.drain(..excess);
        self.dropped += excess;
    }

    fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// As text. When bytes were dropped, a first line says so, and the incomplete line after it is left out.
    fn into_text(self) -> String {
        let bytes: Vec<u8> = self.bytes.into();
        if self.dropped == 0 {
            return String::from_utf8_lossy(&bytes).into_owned();
        }
        let whole_line = bytes.iter().position(|&b| b == b'\n').map_or(0, |at| at + 1);
        let dropped = self.dropped + whole_line;
        format!("[{dropped} bytes before this are left out]\n{}", String::from_utf8_lossy(&bytes[whole_line..]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_output_is_whole() {
        let mut tail = Tail::new(10);
        tail.push(b"abc");
        tail.push("dé".as_bytes());
        assert_eq!(tail.into_text(), "abcdé");
    }

    #[test]
    fn long_output_loses_its_beginning_and_says_so() {
        let mut tail = Tail::new(10);
        tail.push(b"one\ntwo\nthree\nfour\n");
        assert_eq!(tail.into_text(), "[14 bytes before this are left out]\nfour\n");
        let mut line = Tail::new(4);
        line.push(b"0123456789");
        assert_eq!(line.into_text(), "[6 bytes before this are left out]\n6789");
    }
}
