//! Files that are copied into a node's container before it starts: the agent's program and its bootstrap file, as a tar
//! archive.
//!
//! They are uploaded and not passed as environment or labels: `docker inspect` must not show the token.

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use jeroboam_model::{Cause, CauseExt, Code};
use jeroboam_types::agent::BOOTSTRAP_PATH;
use tar::{EntryType, Header};
use tokio::io::AsyncReadExt;
use tokio_util::io::ReaderStream;

/// Path of the agent's program in a node.
pub(super) const AGENT_PATH: &str = "/usr/local/bin/jeroboam-node";

/// Size of a tar block.
const BLOCK: usize = 512;
/// Bytes of the program that are read at once: few calls, and little memory with many nodes at a time.
const CHUNK: usize = 256 * 1024;

/// The agent's program, open for reading, and its size. The open file stays the same while a new one is installed.
pub(super) struct Agent {
    file: tokio::fs::File,
    size: u64,
}

impl Agent {
    /// Opens it.
    pub(super) async fn open(path: &Path) -> Result<Self, Cause> {
        let open = async {
            let file = tokio::fs::File::open(path).await?;
            let metadata = file.metadata().await?;
            if !metadata.is_file() {
                return Err(io::Error::other("it is not a file"));
            }
            Ok(Self { file, size: metadata.len() })
        };
        open.await.map_err(|error| {
            Cause::operator(
                Code::AgentBinaryMissing,
                format!("The agent's program {} cannot be read.", path.display()),
                "Build or install jeroboam-node, and tell Jeroboam where it is.",
            )
            .said(error)
        })
    }
}

/// The archive, to be unpacked at `/`.
pub(super) fn archive(
    agent: Agent,
    bootstrap: &str,
) -> io::Result<impl Stream<Item = io::Result<Bytes>> + Send + use<>> {
    let path = PathBuf::from(BOOTSTRAP_PATH);
    let mut head = Vec::new();
    if let Some(folder) = path.parent() {
        entry(&mut head, folder, EntryType::Directory, 0o700, &[])?;
    }
    entry(&mut head, &path, EntryType::Regular, 0o600, bootstrap.as_bytes())?;
    head.extend_from_slice(header(Path::new(AGENT_PATH), EntryType::Regular, 0o755, agent.size)?.as_bytes());

    let padding = agent.size.next_multiple_of(BLOCK as u64) - agent.size;
    // An archive ends with two empty blocks.
    let tail = vec![0; usize::try_from(padding).unwrap_or_default() + 2 * BLOCK];

    let program = ReaderStream::with_capacity(agent.file.take(agent.size), CHUNK);
    // A program that was truncated while it was read would leave an incomplete archive.
    let mut left = agent.size;
    let program = program.map_ok(Some).chain(stream::once(async { Ok(None) })).map(move |chunk| match chunk? {
        Some(chunk) => {
            left = left.saturating_sub(chunk.len() as u64);
            Ok(chunk)
        }
        None if left > 0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the agent's program was truncated")),
        None => Ok(Bytes::new()),
    });
    Ok(stream::once(async { Ok(Bytes::from(head)) })
        .chain(program)
        .chain(stream::once(async { Ok(Bytes::from(tail)) }))
        .try_filter(|chunk| futures::future::ready(!chunk.is_empty())))
}

fn entry(archive: &mut Vec<u8>, path: &Path, kind: EntryType, mode: u32, content: &[u8]) -> io::Result<()> {
    archive.extend_from_slice(header(path, kind, mode, content.len() as u64)?.as_bytes());
    archive.extend_from_slice(content);
    archive.resize(archive.len().next_multiple_of(BLOCK), 0);
    Ok(())
}

fn header(path: &Path, kind: EntryType, mode: u32, size: u64) -> io::Result<Header> {
    let mut header = Header::new_gnu();
    header.set_path(path.strip_prefix("/").unwrap_or(path))?;
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    header.set_cksum();
    Ok(header)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    async fn bytes(agent: Agent) -> io::Result<Vec<u8>> {
        let chunks: Vec<Bytes> = archive(agent, "{\"token\":\"t\"}")?.try_collect().await?;
        Ok(chunks.concat())
    }

    #[tokio::test]
    async fn the_archive_holds_the_program_and_a_bootstrap_file_that_only_root_reads() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent");
        let program: Vec<u8> = (0..700_001_u32).map(|n| n.to_le_bytes()[0]).collect();
        std::fs::write(&path, &program).unwrap();
        let archive = bytes(Agent::open(&path).await.unwrap()).await.unwrap();
        assert_eq!(archive.len() % BLOCK, 0);

        let mut found = Vec::new();
        for entry in tar::Archive::new(archive.as_slice()).entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            let path = entry.path().unwrap().display().to_string();
            found.push((path, entry.header().mode().unwrap(), content));
        }
        assert_eq!(
            found,
            [
                ("etc/jeroboam".to_owned(), 0o700, Vec::new()),
                ("etc/jeroboam/node.json".to_owned(), 0o600, b"{\"token\":\"t\"}".to_vec()),
                ("usr/local/bin/jeroboam-node".to_owned(), 0o755, program),
            ]
        );
    }

    #[tokio::test]
    async fn a_program_that_gets_shorter_while_it_is_read_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent");
        std::fs::write(&path, vec![1; 1000]).unwrap();
        let agent = Agent::open(&path).await.unwrap();
        std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(10).unwrap();
        assert_eq!(bytes(agent).await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_the_operators_move() {
        let cause = Agent::open(Path::new("/nonexistent/agent")).await.err().unwrap();
        assert_eq!(cause.code, "agent_binary_missing");
        assert!(cause.message.contains("/nonexistent/agent"));
    }
}
