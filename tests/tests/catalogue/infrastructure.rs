//! A Docker Engine that is unavailable, hangs, denies access, or has no addresses left.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use jeroboam_tests::{Interposer, Outage, Rule, Server, Setup, binary, container_of, docker_output, eventually};

use crate::fault::{Fault, GOES_ON, On, Told, Where, own};
use crate::node;
use crate::trial::{PATIENCE, Trial, until_well};

const AWAY: Told = Told::cloud("infrastructure_unavailable");

pub(crate) fn faults() -> Vec<Fault> {
    vec![
        own(
            "engine-stopped",
            On::Docker,
            "the Docker Engine is stopped while machines are created (if it is shared, the connection is cut)",
            AWAY.by(Where::Operation),
            "start it; the operation continues automatically",
            stopped,
        ),
        own("engine-away", On::Docker, "the connection to the Docker Engine is cut", AWAY, GOES_ON, away).quick(),
        own("engine-hangs", On::Docker, "the Docker Engine accepts requests but answers none", AWAY, GOES_ON, hangs)
            .late("the server waits for a hanging engine"),
        own(
            "engine-forbidden",
            On::Docker,
            "the server's user may not use the engine's socket",
            Told::operator("infrastructure_forbidden").by(Where::Operation),
            "add the user to the group `docker`; `jeroboam bay retry NAME`",
            forbidden,
        ),
        own(
            "address-pool-exhausted",
            On::Docker,
            "a second cluster is created with an address pool of one /24",
            Told::operator("address_pool_exhausted").by(Where::Operation),
            "delete clusters, or set a larger `--address-pool`; `jeroboam bay retry NAME`",
            address_pool_exhausted,
        )
        .quick(),
    ]
}

fn server_by(docker_host: Option<String>) -> Server {
    Server::set_up(Setup { docker_host, ..Setup::default() })
}

fn deleted(trial: &mut Trial<'_>, server: &Server) {
    until_well(server, &trial.token(server));
    let uuid = server.uuid_of("c");
    server.ok(&["bay", "delete", "c", "--watch"]);
    assert_eq!(server.marked(&uuid), Vec::<String>::new());
    trial.over();
}

fn stopped(trial: &mut Trial<'_>) {
    let scratch = tempfile::tempdir().unwrap();
    let mut engine = Outage::possible_here(scratch.path());
    let server = server_by(engine.host());
    server.ok(&["bay", "create", "c", "--baymodel", "swarm", "--node-count", "1", "--no-wait"]);
    let uuid = server.uuid_of("c");
    eventually("a machine is made", PATIENCE, || container_of(&uuid, "c-master-0"));
    trial.strike(|| engine.begin());
    // `begin` asserts that the engine does not answer.
    trial.shown("the operation goes on", || server.newest_operation("c")["finished_at"].is_null());
    trial.told_by_operation(&server, "c");
    engine.end();
    server.ok(&["operation", "watch", server.newest_operation("c")["uuid"].as_str().unwrap()]);
    deleted(trial, &server);
}

fn away(trial: &mut Trial<'_>) {
    let scratch = tempfile::tempdir().unwrap();
    let mut engine = Outage::of_the_way(scratch.path());
    let server = server_by(engine.host());
    server.create("swarm", "c", 1);
    trial.strike(|| engine.begin());
    let socket = engine.host().unwrap();
    trial.shown("nobody is there", || {
        docker_output(&["-H", &socket, "version", "-f", "{{.Server.Version}}"]).is_empty()
    });
    trial.told_by_why(&server);
    engine.end();
    deleted(trial, &server);
}

fn hangs(trial: &mut Trial<'_>) {
    let scratch = tempfile::tempdir().unwrap();
    let engine = Interposer::new(scratch.path());
    let server = server_by(Some(engine.host()));
    server.create("swarm", "c", 1);
    trial.strike(|| engine.set(Rule::Hold));
    trial.shown("it was asked in vain", || {
        let _ = server.cli(&["bay", "show", "c"]);
        engine.met() > 0
    });
    trial.told_by_why(&server);
    engine.set(Rule::Pass);
    deleted(trial, &server);
}

/// A user without groups.
const NOBODY: &str = "65534";

fn forbidden(trial: &mut Trial<'_>) {
    let folder = tempfile::Builder::new().permissions(std::fs::Permissions::from_mode(0o755)).tempdir().unwrap();
    let engine = Interposer::new(folder.path());
    let socket = folder.path().join("engine.sock");
    let allow = |mode| std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(mode)).unwrap();
    allow(0o666);
    let program = folder.path().join("jeroboam");
    for name in ["jeroboam", "jeroboam-node"] {
        std::fs::copy(binary(name), folder.path().join(name)).unwrap();
    }
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::os::unix::fs::chown(&data, Some(65534), Some(65534)).unwrap();
    let user = ["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"].map(str::to_owned);
    let wrapper = user.into_iter().chain([program.display().to_string()]).collect();
    let server = Server::set_up(Setup {
        docker_host: Some(engine.host()),
        data: Some(data),
        program: Some(wrapper),
        ..Setup::default()
    });
    trial.strike(|| allow(0o600));
    server.ok(&["bay", "create", "c", "--baymodel", "swarm", "--node-count", "1", "--no-wait"]);
    let host = engine.host();
    let client = ["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "docker", "-H", &host, "version"];
    trial.shown("the user is refused", || {
        let answer = Command::new("setpriv").args(client).env("HOME", "/").output().unwrap();
        String::from_utf8_lossy(&answer.stderr).contains("permission denied")
    });
    trial.told_by_operation(&server, "c");
    allow(0o666);
    server.ok(&["bay", "retry", "c", "--watch"]);
    deleted(trial, &server);
}

fn address_pool_exhausted(trial: &mut Trial<'_>) {
    let server = Server::with(&["--address-pool", "10.88.77.0/24"]);
    server.create("swarm", "other", 1);
    let other = container_of(&server.uuid_of("other"), "other-master-0").unwrap();
    assert!(node::address(&other).starts_with("10.88.77."), "it has the only one");
    trial.strike(|| server.ok(&["bay", "create", "c", "--baymodel", "swarm", "--node-count", "1", "--no-wait"]));
    trial.shown("it has nothing yet", || container_of(&server.uuid_of("c"), "c-master-0").is_none());
    trial.told_by_operation(&server, "c");
    server.ok(&["bay", "delete", "other", "--watch"]);
    server.ok(&["bay", "retry", "c", "--watch"]);
    deleted(trial, &server);
}
