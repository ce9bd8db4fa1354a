//! The life cycle of a real Docker Swarm: creation, containers, deletion.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::Command;
use std::time::Duration;

use jeroboam_tests::{Server, eventually};

const PATIENCE: Duration = Duration::from_secs(60);

// Covers: W065, W066.
#[test]
fn a_swarm_runs_containers_and_leaves_nothing_behind() {
    let server = Server::start();
    server.create("swarm", "sw", 2);
    let uuid = server.uuid_of("sw");
    let cluster = server.json(&["cluster", "show", "sw"]);
    assert_eq!(cluster["status"], "CREATE_COMPLETE");
    assert!(cluster["api_address"].as_str().unwrap().starts_with("https://"), "TLS only");

    server.ok(&["container", "create", "web", "--bay", "sw", "--image", "jeroboam/nginx:1.22"]);
    let container = eventually("the container runs", PATIENCE, || {
        let container = server.json(&["container", "show", "web", "--bay", "sw"]);
        (container["status"] == "Running").then_some(container)
    });
    assert!(container["host"].as_str().unwrap().starts_with("sw-"), "{container}");
    assert_eq!(server.json(&["container", "list", "--bay", "sw"]).as_array().unwrap().len(), 1);
    let said = server.ok(&["container", "exec", "web", "--bay", "sw", "--", "sh", "-c", "echo from-inside; nginx -v"]);
    assert!(said.contains("from-inside") && said.contains("nginx version"), "{said}");
    assert_eq!(server.cli(&["container", "exec", "web", "--bay", "sw", "--", "sh", "-c", "exit 7"]).code, 7);

    a_command_that_takes_too_long_is_ended(&server);

    server.ok(&[
        "container",
        "create",
        "hello",
        "--bay",
        "sw",
        "--image",
        "jeroboam/nginx:1.22",
        "--command",
        "sh -c 'echo one; echo two >&2'",
    ]);
    eventually("the logs arrive", PATIENCE, || {
        let logs = server.ok(&["container", "logs", "hello", "--bay", "sw"]);
        (logs.contains("one") && logs.contains("two")).then_some(())
    });
    eventually("it has stopped and stays so", PATIENCE, || {
        (server.json(&["container", "show", "hello", "--bay", "sw"])["status"] == "Stopped").then_some(())
    });
    server.ok(&["container", "create", "nope", "--bay", "sw", "--image", "jeroboam/does-not-exist:1"]);
    eventually("an image that does not exist is named", PATIENCE, || {
        let shown = server.json(&["container", "show", "nope", "--bay", "sw"]);
        shown["status_reason"].as_str().is_some_and(|why| why.contains("does-not-exist")).then_some(())
    });

    plain_docker_works_with_the_files_of_bay_config(&server);
    nobody_gets_in_without_a_certificate(cluster["api_address"].as_str().unwrap());

    for name in ["web", "hello", "nope"] {
        server.ok(&["container", "delete", name, "--bay", "sw"]);
    }
    server.ok(&["bay", "scale", "sw", "1", "--watch"]);
    server.ok(&["bay", "delete", "sw", "--watch"]);
    assert_eq!(server.marked(&uuid), Vec::<String>::new());
}

fn a_command_that_takes_too_long_is_ended(server: &Server) {
    let exec = |command: &str| server.cli(&["container", "exec", "web", "--bay", "sw", "--", "sh", "-c", command]);
    let answer = exec("echo begun; sleep 4711");
    assert_ne!(answer.code, 0, "{answer:?}");
    for part in ["did not end within 50 s", "it was ended", "begun"] {
        assert!(answer.err.contains(part), "does not say '{part}': {answer:?}");
    }
    // The brackets keep the search from finding itself.
    let look = "cat /proc/[0-9]*/cmdline | grep -q 'sleep.*471[1]'";
    assert_ne!(exec(look).code, 0, "the process is still there");

    // The same for a command whose client has disconnected.
    let look = "cat /proc/[0-9]*/cmdline | grep -q 'sleep.*471[2]'";
    let args = ["container", "exec", "web", "--bay", "sw", "--", "sh", "-c", "sleep 4712"];
    let mut user = server.begin(&args);
    eventually("the command runs", PATIENCE, || (exec(look).code == 0).then_some(()));
    user.kill().unwrap();
    user.wait().unwrap();
    eventually("the command was killed", Duration::from_secs(15), || (exec(look).code != 0).then_some(()));
}

fn plain_docker_works_with_the_files_of_bay_config(server: &Server) {
    let dir = server.scratch("tls");
    server.ok(&["bay", "config", "sw", "--dir", dir.to_str().unwrap()]);
    let address =
        server.json(&["cluster", "show", "sw"])["api_address"].as_str().unwrap().replace("https://", "tcp://");
    let nodes = Command::new("docker")
        .args(["node", "ls", "--format", "{{.Hostname}} {{.Status}}"])
        .env("DOCKER_HOST", address)
        .env("DOCKER_TLS_VERIFY", "1")
        .env("DOCKER_CERT_PATH", &dir)
        .output()
        .unwrap();
    let nodes = String::from_utf8_lossy(&nodes.stdout).into_owned();
    assert_eq!(nodes.lines().filter(|line| line.ends_with("Ready")).count(), 3, "{nodes}");
}

fn nobody_gets_in_without_a_certificate(api_address: &str) {
    let answer =
        Command::new("curl").args(["-sk", "--max-time", "5", &format!("{api_address}/version")]).output().unwrap();
    assert!(!answer.status.success(), "{answer:?}");
}
