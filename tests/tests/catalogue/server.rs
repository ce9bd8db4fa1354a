//! Servers that do not start.

use std::net::TcpListener;
use std::process::{Command, Stdio};

use jeroboam_tests::{Server, binary, eventually};

use crate::fault::{Fault, On, Told, Where, own};
use crate::trial::{PATIENCE, Trial};

pub(crate) fn faults() -> Vec<Fault> {
    let refusal = |id, what, words, way_out, act| {
        own(id, On::Server, what, Told::operator(words).by(Where::Start), way_out, act)
            .late("the error appears when the start has failed")
    };
    vec![
        refusal(
            "key-missing",
            "`encryption.key` is removed from the data folder",
            "encryption.key is missing",
            "restore it from a backup",
            key_missing,
        )
        .quick(),
        refusal(
            "key-of-another",
            "`encryption.key` is that of another server",
            "encryption.key is not the one",
            "restore the right one from a backup",
            key_of_another,
        ),
        refusal(
            "agent-port-taken",
            "another process uses the agents' port",
            "for agents cannot be listened on",
            "stop it, or set another `--agent-port` if there are no clusters yet",
            agent_port_taken,
        )
        .on(On::Docker),
        refusal(
            "listen-port-taken",
            "another process uses the API's port",
            "another server may be using it",
            "stop it, or set another `--listen`",
            listen_port_taken,
        ),
        refusal(
            "folder-in-use",
            "a second server is started with the data folder of the first",
            "is using the data folder",
            "stop it, or set another `--data`",
            folder_in_use,
        ),
    ]
}

/// Starts a server with these arguments, which must exit with an error; returns its error output.
fn start(arguments: &[&str]) -> String {
    let mut child = Command::new(binary("jeroboam"))
        .arg("up")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let status = eventually("it has ended", PATIENCE, || child.try_wait().unwrap());
    let said = std::io::read_to_string(child.stderr.take().unwrap()).unwrap();
    assert!(!status.success(), "{said}");
    said
}

fn start_on(server: &Server) -> String {
    let data = server.data();
    start(&["--infrastructure", "simulated", "--data", data.to_str().unwrap(), "--listen", "127.0.0.1:0"])
}

/// The same server starts once the fault is fixed.
fn starts(trial: &mut Trial<'_>, server: &mut Server) {
    server.restart();
    assert_eq!(server.http_status("/healthcheck"), Some(200));
    trial.over();
}

fn key_missing(trial: &mut Trial<'_>) {
    let mut server = Server::simulated();
    server.kill();
    let key = server.data().join("encryption.key");
    let backup = server.scratch("backup.key");
    trial.strike(|| std::fs::rename(&key, &backup).unwrap());
    trial.shown("it is gone", || !key.exists());
    trial.told_at_start(&start_on(&server));
    assert!(!key.exists(), "no other key takes its place");
    std::fs::rename(&backup, &key).unwrap();
    starts(trial, &mut server);
}

fn key_of_another(trial: &mut Trial<'_>) {
    let (mut server, other) = (Server::simulated(), Server::simulated());
    server.kill();
    let key = server.data().join("encryption.key");
    let right = std::fs::read(&key).unwrap();
    trial.strike(|| std::fs::copy(other.data().join("encryption.key"), &key).unwrap());
    trial.shown("it is another", || std::fs::read(&key).unwrap() != right);
    trial.told_at_start(&start_on(&server));
    std::fs::write(&key, &right).unwrap();
    starts(trial, &mut server);
}

fn agent_port_taken(trial: &mut Trial<'_>) {
    let mut server = Server::start();
    server.kill();
    let (data, port) = (server.data(), server.agent_port());
    let taken = trial.strike(|| TcpListener::bind(("0.0.0.0", port)).unwrap());
    trial.shown("nobody else can have it", || TcpListener::bind(("127.0.0.1", port)).is_err());
    let (data, port) = (data.to_str().unwrap(), port.to_string());
    trial.told_at_start(&start(&["--data", data, "--listen", "127.0.0.1:0", "--agent-port", &port]));
    drop(taken);
    starts(trial, &mut server);
}

fn listen_port_taken(trial: &mut Trial<'_>) {
    let mut server = Server::simulated();
    server.kill();
    let address = server.url().trim_start_matches("http://").to_owned();
    let taken = trial.strike(|| TcpListener::bind(&address).unwrap());
    trial.shown("nobody else can have it", || TcpListener::bind(&address).is_err());
    let data = server.data().display().to_string();
    trial.told_at_start(&start(&["--infrastructure", "simulated", "--data", &data, "--listen", &address]));
    drop(taken);
    starts(trial, &mut server);
}

fn folder_in_use(trial: &mut Trial<'_>) {
    let mut server = Server::simulated();
    trial.strike(|| ());
    trial.shown("the first one runs", || server.http_status("/healthcheck") == Some(200));
    trial.told_at_start(&start_on(&server));
    server.kill();
    starts(trial, &mut server);
}
