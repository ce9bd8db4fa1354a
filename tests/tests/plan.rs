//! Plans of changes of a real cluster: exactly the plan is executed, and only while it is up to date.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use jeroboam_tests::{Living, Server, docker_output, eventually};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(60);

/// Steps by stage and key.
fn steps(of: &Value) -> Vec<(u64, String)> {
    let steps = of["steps"].as_array().unwrap().iter();
    steps.map(|step| (step["stage"].as_u64().unwrap(), step["key"].as_str().unwrap().to_owned())).collect()
}

fn kinds(plan: &Value, key: &str) -> Vec<String> {
    let step = plan["steps"].as_array().unwrap().iter().find(|step| step["key"] == key).unwrap();
    let disturbs = step["disturbs"].as_array().into_iter().flatten();
    disturbs.map(|disturbance| disturbance["kind"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_is_planned_is_done_and_a_plan_that_does_not_hold_is_refused() {
    let server = Server::start();
    // Paused, so that only the test repairs faults.
    let living = Living::paused(&server, "swarm");
    let uuid = living.uuid.clone();
    let file = server.scratch("c.plan");
    let file = file.to_str().unwrap();

    let seen = || {
        let (shown, newest) = (server.json(&["bay", "show", "c"]), server.newest_operation(&uuid));
        (shown["status"].clone(), shown["node_count"].clone(), newest["uuid"].clone(), server.marked(&uuid))
    };
    let before = seen();
    let plan = server.json(&["bay", "resize", "c", "2", "--plan", "--out", file]);
    assert!(steps(&plan).contains(&(2, "machine/c-worker-1".to_owned())), "{plan:#}");
    assert_eq!(kinds(&plan, "machine/c-worker-1"), [""; 0], "a new node disrupts nothing");
    assert_eq!(seen(), before, "nothing was changed");
    server.ok(&["bay", "resize", "c", "2", "--apply", file, "--watch"]);
    let scale = server.newest_operation(&uuid);
    assert_eq!(steps(&scale), steps(&plan));
    let added = |operation: &Value, key: &str| {
        let step = operation["steps"].as_array().unwrap().iter().find(|step| step["key"] == key).cloned();
        step.and_then(|step| Some(step["added_because"].as_str()?.to_owned()))
    };
    assert!(steps(&scale).iter().all(|(_, key)| added(&scale, key).is_none()), "{scale:#}");

    let told = server.ok(&["bay", "resize", "c", "1", "--plan", "--out", file]);
    for part in ["stage 6", "Drain node c-worker-1", "workloads on c-worker-1 move to other nodes", "disturbs nothing"]
    {
        assert!(told.contains(part), "does not say '{part}': {told}");
    }
    docker_output(&["kill", &living.node("c-worker-0")]);
    let refused = server.cli(&["bay", "resize", "c", "1", "--apply", file, "--no-wait"]);
    assert_ne!(refused.code, 0, "{refused:?}");
    for part in ["node c-worker-0: machine has stopped", "--plan"] {
        assert!(refused.err.contains(part), "does not say '{part}': {refused:?}");
    }
    assert_eq!(server.newest_operation(&uuid)["uuid"], scale["uuid"], "nothing was started");

    let plan = eventually("a repair is planned that starts the machine", PATIENCE, || {
        let plan = server.json(&["bay", "repair", "c", "--plan", "--out", file]);
        steps(&plan).contains(&(2, "machine/c-worker-0".to_owned())).then_some(plan)
    });
    server.ok(&["bay", "repair", "c", "--watch"]);
    assert_eq!(steps(&server.newest_operation(&uuid)), steps(&plan));
    living.assert_precious("after its worker was repaired");

    let plan = server.json(&["bay", "delete", "c", "--plan"]);
    assert_eq!(kinds(&plan, "remove-machine/c-master-0"), ["workloads_end"]);
    server.ok(&["bay", "delete", "c", "--watch"]);
    assert_eq!(steps(&server.newest_operation(&uuid)), steps(&plan));
    assert_eq!(server.marked(&uuid), Vec::<String>::new());
}
