//! A locked database, and a full disk.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use jeroboam_tests::{Reply, Server, Setup, SmallDisk, containers_of, eventually};
use serde_json::json;

use crate::fault::{Fault, On, Told, Where, own};
use crate::trial::{PATIENCE, Trial};

/// Enough for a database, small enough to be filled at once.
const DISK_MIB: u32 = 8;

pub(crate) fn faults() -> Vec<Fault> {
    let full = Told::operator("database_unwritable").by(Where::Answer(507));
    vec![
        own(
            "database-locked",
            On::Server,
            "another process locks the database",
            Told::cloud("database_busy").by(Where::Answer(503)),
            "retry once the lock is gone",
            locked,
        )
        .late("the server waits for the lock"),
        own(
            "database-disk-full",
            On::Server,
            "the disk of the database is full",
            full,
            "free disk space, then retry",
            disk_full,
        ),
        own(
            "database-disk-full-while-made",
            On::Docker,
            "the disk of the database is filled while a cluster is being created",
            full,
            "free disk space: the operation continues automatically",
            disk_full_while_made,
        ),
    ]
}

/// A process that holds an exclusive lock on the database until this is dropped.
struct Lock(Child);

impl Lock {
    fn on(server: &Server) -> Self {
        let script = "import sqlite3,sys\nc=sqlite3.connect(sys.argv[1],isolation_level=None)\n\
                      c.execute('BEGIN EXCLUSIVE')\nprint('locked',flush=True)\nsys.stdin.read()\n";
        let mut process = Command::new("python3")
            .args(["-c", script])
            .arg(server.data().join("jeroboam.db"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said.trim(), "locked");
        Self(process)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn create(server: &Server, token: &str) -> Reply {
    let body = json!({"name": "c", "cluster_template_id": "swarm", "node_count": 1});
    server.call("POST", "/v1/clusters", token, Some(&body))
}

fn locked(trial: &mut Trial<'_>) {
    let server = Server::simulated();
    let token = trial.token(&server);
    let mut lock = trial.strike(|| Lock::on(&server));
    trial.shown("the process has it", || lock.0.try_wait().unwrap().is_none());
    trial.told_by_answer(|| create(&server, &token));
    drop(lock);
    assert_eq!(server.json(&["bay", "list"]), json!([]), "nothing is half written");
    assert_eq!(create(&server, &token).status, 202);
    server.reach("c", "CREATE_COMPLETE");
    trial.over();
}

/// A small write request.
fn write(server: &Server, token: &str, name: &str) -> Reply {
    let template = json!({"name": name, "coe": "swarm", "image_id": "debian-13"});
    server.call("POST", "/v1/clustertemplates", token, Some(&template))
}

/// Fills the disk and writes until the database fails: its write-ahead log may have some room left.
fn filled(trial: &mut Trial<'_>, server: &Server, disk: &SmallDisk, token: &str) {
    let mut made = 0;
    trial.strike(|| disk.fill());
    trial.shown("not a block is free", || {
        made += 1;
        let is_full = std::fs::write(disk.path().join("more"), [0; 4096]).is_err();
        is_full && write(server, token, &format!("t{made}")).status != 201
    });
    trial.told_by_answer(|| write(server, token, "late"));
    let _ = std::fs::remove_file(disk.path().join("more"));
}

fn server_on(disk: &SmallDisk, arguments: &[&str]) -> Server {
    let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    Server::set_up(Setup { arguments, data: Some(disk.path().join("data")), ..Setup::default() })
}

fn disk_full(trial: &mut Trial<'_>) {
    let disk = SmallDisk::new(DISK_MIB);
    let server = server_on(&disk, &["--infrastructure", "simulated"]);
    let token = trial.token(&server);
    filled(trial, &server, &disk, &token);
    assert_eq!(create(&server, &token).status, 507);
    assert_eq!(server.json(&["bay", "list"]), json!([]), "nothing is half written");
    disk.free();
    assert_eq!(create(&server, &token).status, 202);
    server.reach("c", "CREATE_COMPLETE");
    trial.over();
}

fn disk_full_while_made(trial: &mut Trial<'_>) {
    let disk = SmallDisk::new(DISK_MIB);
    let server = server_on(&disk, &[]);
    let token = trial.token(&server);
    assert_eq!(create(&server, &token).status, 202);
    let uuid = server.uuid_of("c");
    eventually("machines are being made", PATIENCE, || (!containers_of(&uuid).is_empty()).then_some(()));
    filled(trial, &server, &disk, &token);
    disk.free();
    server.reach("c", "CREATE_COMPLETE");
    assert_eq!(containers_of(&uuid).len(), 2);
    server.ok(&["bay", "delete", "c", "--watch"]);
    assert_eq!(server.marked(&uuid), Vec::<String>::new());
    trial.over();
}
