//! Errors of a Docker Engine that is out of resources, too old, or lacks privileges. As the engine is shared, a proxy
//! in front of it answers requests for new containers with the engine's error messages.

use jeroboam_tests::{Interposer, Rule, Server, Setup};

use crate::fault::{Fault, GOES_ON, On, Told, Where, own};
use crate::trial::Trial;

const MEND: &str = "fix the engine, `jeroboam bay retry NAME`";

pub(crate) fn faults() -> Vec<Fault> {
    let operator = |code| Told::operator(code).by(Where::Operation);
    vec![
        own(
            "engine-disk-full",
            On::Docker,
            "the engine answers \"no space left on device\"",
            operator("infrastructure_disk_full").passing(),
            GOES_ON,
            |trial| answered(trial, 500, "write /var/lib/docker/tmp: no space left on device"),
        )
        .quick(),
        own(
            "engine-out-of-memory",
            On::Docker,
            "the engine answers \"cannot allocate memory\"",
            operator("infrastructure_out_of_memory").passing(),
            GOES_ON,
            |trial| answered(trial, 500, "fork/exec /usr/bin/runc: cannot allocate memory"),
        ),
        own(
            "engine-fails",
            On::Docker,
            "the engine answers with an unknown error 500",
            Told::cloud("infrastructure_error").by(Where::Operation),
            GOES_ON,
            |trial| answered(trial, 500, "something went wrong"),
        ),
        own(
            "engine-busy",
            On::Docker,
            "the engine answers that another action is in progress",
            Told::cloud("infrastructure_busy").by(Where::Operation),
            GOES_ON,
            |trial| answered(trial, 409, "removal of container 0123 is already in progress"),
        ),
        own(
            "engine-without-capabilities",
            On::Docker,
            "the engine answers \"unable to apply caps\", also with fewer privileges",
            operator("infrastructure_capabilities"),
            MEND,
            |trial| answered(trial, 500, "unable to apply caps: operation not permitted"),
        ),
        own(
            "engine-refuses",
            On::Docker,
            "the engine answers with a 400",
            operator("infrastructure_refused"),
            MEND,
            |trial| answered(trial, 400, "invalid mount config"),
        ),
        own(
            "engine-too-old",
            On::Docker,
            "the engine answers that it does not support this version of its API",
            operator("infrastructure_version"),
            MEND,
            |trial| answered(trial, 400, "client version 1.47 is too new. Maximum supported API version is 1.40"),
        ),
    ]
}

fn answered(trial: &mut Trial<'_>, status: u16, message: &'static str) {
    let scratch = tempfile::tempdir().unwrap();
    let engine = Interposer::new(scratch.path());
    let server = Server::set_up(Setup { docker_host: Some(engine.host()), ..Setup::default() });
    trial.strike(|| engine.set(Rule::Answer("/containers/create", status, message)));
    server.ok(&["bay", "create", "c", "--baymodel", "swarm", "--node-count", "1", "--no-wait"]);
    let uuid = server.uuid_of("c");
    trial.shown("it was answered so", || engine.met() > 0);
    let passes = trial.told_by_operation(&server, "c").passes;
    engine.set(Rule::Pass);
    if passes {
        let operation = server.newest_operation("c")["uuid"].as_str().unwrap().to_owned();
        server.ok(&["operation", "watch", &operation]);
    } else {
        server.ok(&["bay", "retry", "c", "--watch"]);
    }
    server.ok(&["bay", "delete", "c", "--watch"]);
    assert_eq!(server.marked(&uuid), Vec::<String>::new());
    trial.over();
}
