//! A proxy between a server and the Docker Engine, which can answer in its place or block requests: for faults that
//! cannot be injected into a shared engine.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::LOOK;
use crate::outage::{copy, engine_socket};

/// How requests of the server are handled.
#[derive(Debug, Clone, Copy)]
pub enum Rule {
    /// All requests pass.
    Pass,
    /// Requests whose first line contains this text are answered with this status and message, as the engine would.
    Answer(&'static str, u16, &'static str),
    /// Requests are held without an answer.
    Hold,
}

/// A socket that forwards to the engine's socket.
pub struct Interposer {
    path: PathBuf,
    rule: Arc<Mutex<Rule>>,
    met: Arc<Mutex<usize>>,
}

impl Interposer {
    /// Starts one that lets all requests pass.
    #[must_use]
    pub fn new(scratch: &Path) -> Self {
        let interposer =
            Self { path: scratch.join("engine.sock"), rule: Arc::new(Mutex::new(Rule::Pass)), met: Arc::default() };
        let listener = UnixListener::bind(&interposer.path).unwrap();
        let (rule, met) = (Arc::clone(&interposer.rule), Arc::clone(&interposer.met));
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (Ok(client), Ok(engine)) = (client, UnixStream::connect(engine_socket())) else { return };
                let (back, to) = (engine.try_clone().unwrap(), client.try_clone().unwrap());
                std::thread::spawn(move || copy(back, to));
                let (rule, met) = (Arc::clone(&rule), Arc::clone(&met));
                std::thread::spawn(move || judge(client, engine, &rule, &met));
            }
        });
        interposer
    }

    /// The value of DOCKER_HOST for the server.
    #[must_use]
    pub fn host(&self) -> String {
        format!("unix://{}", self.path.display())
    }

    /// Sets the rule for all following requests.
    pub fn set(&self, rule: Rule) {
        *locked(&self.rule) = rule;
        *locked(&self.met) = 0;
    }

    /// Number of requests that the rule was applied to.
    #[must_use]
    pub fn met(&self) -> usize {
        *locked(&self.met)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Forwards the client's requests according to the rule. A client sends the head of a request in one piece, and the
/// next request after the answer.
fn judge(mut client: UnixStream, mut engine: UnixStream, rule: &Mutex<Rule>, met: &Mutex<usize>) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = client.read(&mut buffer) {
        let piece = &buffer[..length];
        let first_line = String::from_utf8_lossy(piece).lines().next().unwrap_or_default().to_owned();
        let now = *locked(rule);
        match now {
            Rule::Answer(words, status, message) if first_line.contains(words) && first_line.contains(" HTTP/1") => {
                *locked(met) += 1;
                let body = serde_json::json!({ "message": message }).to_string();
                let head = "Content-Type: application/json\r\nConnection: close";
                let length = body.len();
                let answer = format!("HTTP/1.1 {status} -\r\n{head}\r\nContent-Length: {length}\r\n\r\n{body}");
                let _ = client.write_all(answer.as_bytes());
                break;
            }
            Rule::Hold => {
                *locked(met) += 1;
                while matches!(*locked(rule), Rule::Hold) {
                    std::thread::sleep(LOOK);
                }
            }
            Rule::Answer(..) | Rule::Pass => {}
        }
        if engine.write_all(piece).is_err() {
            break;
        }
    }
    for stream in [client, engine] {
        // A closed connection cannot be shut down.
        let _ = stream.shutdown(Shutdown::Both);
    }
}
