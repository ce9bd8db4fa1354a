//! Reading what a container or a command in it writes, with limits.

use std::collections::VecDeque;
use std::time::Duration;

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::exec::{CreateExecOptions, StartExecOptions, StartExecResults};
use bollard::query_parameters::LogsOptions;
use futures::{Stream, StreamExt as _};
use jeroboam_types::v1::ContainerOutput;

use super::error;
use crate::WorkloadError;

/// Bytes that are answered at most; the last ones, because the end tells more than the beginning.
const MAX_BYTES: usize = 1 << 20;
/// Lines of a log that are asked for; what is before them is not read at all.
const MAX_LINES: &str = "10000";
/// How long logs may take to come.
const LOGS_LIMIT: Duration = Duration::from_secs(10);
/// How long a command may run. Below the usual 60 s after which clients and proxies give up.
const EXEC_LIMIT: Duration = Duration::from_secs(50);
/// How long the engine may take for each request around a command.
const EXEC_REQUEST_LIMIT: Duration = Duration::from_secs(5);

/// A container's log, its own output and errors merged.
pub(super) async fn logs(docker: &Docker, task: &str) -> Result<ContainerOutput, WorkloadError> {
    let options = LogsOptions { stdout: true, stderr: true, tail: MAX_LINES.to_owned(), ..LogsOptions::default() };
    let mut tail = Tail::new(MAX_BYTES);
    let outcome = tokio::time::timeout(LOGS_LIMIT, collect(docker.task_logs(task, Some(options)), &mut tail)).await;
    match outcome {
        Ok(Ok(())) => {}
        // What has come is better than nothing.
        Ok(Err(said)) if tail.is_empty() => return Err(error::workload(&said)),
        Err(_) if tail.is_empty() => {
            return Err(WorkloadError::Unreachable(format!("no log within {} s", LOGS_LIMIT.as_secs())));
        }
        Ok(Err(said)) => tracing::debug!(task, error = %said, "the log broke off"),
        Err(_) => tracing::debug!(task, "the log did not end in time"),
    }
    Ok(ContainerOutput { output: tail.into_text(), exit_code: None })
}

/// Runs a command in a container. A command that does not end in time goes on; its exit code is then not known.
pub(super) async fn exec(
    docker: &Docker,
    container: &str,
    words: Vec<String>,
) -> Result<ContainerOutput, WorkloadError> {
    let options = CreateExecOptions {
        cmd: Some(words),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        ..CreateExecOptions::default()
    };
    let made = limited(docker.create_exec(container, options)).await?;
    let started = limited(docker.start_exec(&made.id, None::<StartExecOptions>)).await?;
    let mut tail = Tail::new(MAX_BYTES);
    if let StartExecResults::Attached { output, input } = started {
        let outcome = tokio::time::timeout(EXEC_LIMIT, collect(output, &mut tail)).await;
        drop(input);
        match outcome {
            Ok(outcome) => outcome.map_err(|said| error::workload(&said))?,
            Err(_) => return Ok(ContainerOutput { output: tail.into_text(), exit_code: None }),
        }
    }
    let inspected = limited(docker.inspect_exec(&made.id)).await?;
    Ok(ContainerOutput { output: tail.into_text(), exit_code: inspected.exit_code })
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

/// The last bytes of something.
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

    /// As text. When something was dropped, a first line says so, and the broken line after it is left out.
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
