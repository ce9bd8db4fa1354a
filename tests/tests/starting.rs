//! Failed starts of a server, and their error messages.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::{TcpListener, UdpSocket};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use jeroboam_tests::{LOOK, Server, Setup, binary, eventually};

/// Timeout until a server gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// Starts a server with these arguments, which must exit with an error; returns its log.
fn refused(arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let mut child = Command::new(binary("jeroboam"))
        .arg("up")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let began = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if began.elapsed() > PATIENCE {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("the server keeps running: {}", std::fs::read_to_string(&log).unwrap());
        }
        std::thread::sleep(LOOK);
    };
    let said = std::fs::read_to_string(&log).unwrap();
    assert!(!status.success(), "{said}");
    said
}

#[test]
fn without_the_key_of_its_secrets_no_server_starts() {
    let mut server = Server::simulated();
    // The agents' CA is a secret, which exists once the server is ready.
    server.kill();
    let data = server.data();
    let key = data.join("encryption.key");
    let right = std::fs::read(&key).unwrap();
    let up = ["--data", data.to_str().unwrap(), "--listen", "127.0.0.1:0", "--infrastructure", "simulated"];

    std::fs::remove_file(&key).unwrap();
    let said = refused(&up);
    assert!(said.contains("encryption.key is missing") && said.contains("from a backup"), "{said}");
    assert!(!key.exists(), "no other key takes its place");

    let other = Server::simulated();
    std::fs::copy(other.data().join("encryption.key"), &key).unwrap();
    let said = refused(&up);
    assert!(said.contains("encryption.key is not the one"), "{said}");

    std::fs::write(&key, right).unwrap();
    server.restart();
    assert_eq!(server.http_status("/healthcheck"), Some(200));
}

#[test]
fn a_port_for_agents_that_somebody_has_keeps_a_server_from_starting() {
    let taken = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let up = ["--data", data.to_str().unwrap(), "--listen", "127.0.0.1:0", "--agent-port", &port];
    let said = refused(&up);
    assert!(said.contains(&format!("port {port} for agents")) && said.contains("--agent-port"), "{said}");
    assert!(said.contains("operator must act"), "{said}");
    assert!(!said.contains(": ready "), "{said}");
}

#[test]
fn a_server_is_ready_only_when_agents_can_call() {
    // No engine listens there, so the address of the agents' endpoint cannot be determined.
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = Server::unready(Setup { docker_host: Some(format!("tcp://{silent}")), ..Setup::default() });
    eventually("the server answers, and is not ready", PATIENCE, || {
        (server.http_status("/healthcheck") == Some(503)).then_some(())
    });
    assert_eq!(server.http_status("/v1"), Some(200), "requests that need no nodes are answered");
}
