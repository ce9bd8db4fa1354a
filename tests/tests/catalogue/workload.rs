//! Workloads of tenants.

use jeroboam_tests::{Living, eventually};

use crate::fault::{Fault, On, Told, Where, living};
use crate::trial::{PATIENCE, Trial};

pub(crate) fn faults() -> Vec<Fault> {
    vec![
        living(
            "command-without-end",
            "`jeroboam container exec` of a command that does not exit",
            Told::user("command_timed_out").by(Where::Answer(504)),
            "automatic: the command is killed; run long commands as separate containers",
            command_without_end,
        )
        .on(On::Swarm)
        .late("a command may run for 50 s"),
    ]
}

fn command_without_end(trial: &mut Trial<'_>, living: &Living<'_>) {
    let server = living.server;
    let token = trial.token(server);
    server.ok(&["container", "create", "web", "--bay", "c", "--image", "jeroboam/nginx:1.22"]);
    eventually("the container runs", PATIENCE, || {
        (server.json(&["container", "show", "web", "--bay", "c"])["status"] == "Running").then_some(())
    });
    let execute = "/v1/containers/web/execute?bay_ident=c&command=sleep%204711";
    trial.told_by_refusal(|| server.call("PUT", execute, &token, None));
    // The brackets keep the search from finding itself.
    let look = ["sh", "-c", "cat /proc/[0-9]*/cmdline | grep -q 'sleep.*471[1]'"];
    let found = server.cli(&[&["container", "exec", "web", "--bay", "c", "--"][..], &look].concat());
    assert_ne!(found.code, 0, "the process is still there");
    server.ok(&["container", "delete", "web", "--bay", "c"]);
    trial.well_again(living);
}
