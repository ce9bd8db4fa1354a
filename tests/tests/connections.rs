//! Idle connections must not block other clients.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::TcpStream;
use std::time::Duration;

use jeroboam_tests::{Server, Setup, binary, eventually};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

const PATIENCE: Duration = Duration::from_secs(60);
/// The server's limit of open files.
const DESCRIPTORS: u32 = 1024;
/// Idle connections: more than that limit.
const IDLE: usize = 1100;

#[test]
fn more_idle_connections_than_a_server_can_have_keep_neither_users_nor_operations_from_going_on() {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).unwrap();
    let arguments = ["--infrastructure", "simulated"].map(str::to_owned).to_vec();
    let limit = format!("--nofile={DESCRIPTORS}:{DESCRIPTORS}");
    let program = Some(vec!["prlimit".to_owned(), limit, binary("jeroboam").display().to_string()]);
    let server = Server::set_up(Setup { arguments, program, ..Setup::default() });
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.pid())).unwrap();
    let open = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert_eq!(open.split_whitespace().nth(4), Some("1024"), "it cannot have more: {open}");

    let address: std::net::SocketAddr = server.url().trim_start_matches("http://").parse().unwrap();
    let connect = |_| TcpStream::connect_timeout(&address, Duration::from_secs(5));
    let idle: Vec<TcpStream> = (0..IDLE).map(connect).collect::<Result<_, _>>().unwrap();
    assert_eq!(idle.len(), IDLE, "the fault has struck");

    eventually("users are answered", PATIENCE, || (server.cli(&["bay", "list"]).code == 0).then_some(()));
    server.create("kubernetes", "c", 2);
    server.ok(&["bay", "delete", "c", "--watch"]);
    assert!(!server.log_tail().contains("Too many open files"), "{}", server.log_tail());
    drop(idle);
}
