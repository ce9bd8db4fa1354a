//! Says to old kubelets that there is no Docker Engine worth using.
//!
//! kubelet up to 1.23 looks for one even when told to use containerd, and when nobody answers it asks again for 5 s
//! before it goes on: a third of the time in which a cluster comes up. An answer without containers makes it go on
//! at once.

use std::path::Path;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

/// Where it answers; passed to kubelet as `--docker`.
pub const SOCKET: &str = "/run/jeroboam/no-docker.sock";

/// Enough for any request that kubelet makes, in bytes.
const REQUEST_BYTES: usize = 4096;

/// What an engine without anything says to `/info`, `/version` and `/_ping`. The version is below what kubelet
/// accepts: it will not use it.
const ANSWER: &str =
    r#"{"DockerRootDir":"/var/lib/docker","ServerVersion":"0.0.0","Version":"0.0.0","ApiVersion":"1.24"}"#;

/// Answers from now on, as long as the agent lives or until another one takes over. Failing is no fault: kubelet
/// then only starts later.
pub fn serve() {
    let _ = std::fs::remove_file(Path::new(SOCKET));
    let listener = match UnixListener::bind(SOCKET) {
        Ok(listener) => listener,
        Err(error) => return tracing::warn!(%error, "{SOCKET}"),
    };
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream));
        }
    });
}

async fn answer(mut stream: UnixStream) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") && request.len() < REQUEST_BYTES {
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let length = ANSWER.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(format!("{head}{ANSWER}").as_bytes()).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_request_is_answered_with_json() {
        let (mut client, server) = UnixStream::pair().unwrap();
        let served = tokio::spawn(answer(server));
        client.write_all(b"GET /v1.24/info HTTP/1.1\r\nHost: docker\r\n\r\n").await.unwrap();
        let mut text = String::new();
        client.read_to_string(&mut text).await.unwrap();
        served.await.unwrap().unwrap();
        let body: serde_json::Value = serde_json::from_str(text.split("\r\n\r\n").nth(1).unwrap()).unwrap();
        assert_eq!(body["DockerRootDir"], "/var/lib/docker");
    }
}
