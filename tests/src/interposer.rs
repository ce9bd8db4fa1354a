//! Somebody between a server and the Docker Engine, who answers in its place or lets nothing through: for what cannot be
//! done to an engine that others use as well.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::LOOK;
use crate::outage::{copy, engine_socket};

/// What is done to what a server sends.
#[derive(Debug, Clone, Copy)]
pub enum Rule {
    /// All goes through.
    Pass,
    /// Requests whose first line has these words in it are answered with this status and message, as the engine would.
    Answer(&'static str, u16, &'static str),
    /// Nothing goes through; it waits.
    Hold,
}

/// A socket behind which the engine's socket is.
pub struct Interposer {
    path: PathBuf,
    rule: Arc<Mutex<Rule>>,
    met: Arc<Mutex<usize>>,
}

impl Interposer {
    /// Lets everything through at first.
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

    /// How a server reaches the engine.
    #[must_use]
    pub fn host(&self) -> String {
        format!("unix://{}", self.path.display())
    }

    /// From now on.
    pub fn set(&self, rule: Rule) {
        *locked(&self.rule) = rule;
        *locked(&self.met) = 0;
    }

    /// How many requests the rule was applied to.
    #[must_use]
    pub fn met(&self) -> usize {
        *locked(&self.met)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Hands on what the client sends, as the rule says. A client sends the head of a request in one piece, and the next one
/// when that is answered.
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
        // One that has ended already cannot be ended.
        let _ = stream.shutdown(Shutdown::Both);
    }
}
