//! Labels and versions with the command line, on the simulated cloud.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use jeroboam_tests::Server;

/// The row of a table that begins with a name, with its cells separated by single blanks.
fn line(table: &str, name: &str) -> String {
    let line = table.lines().find(|line| line.split_whitespace().next() == Some(name));
    let line = line.unwrap_or_else(|| panic!("no {name} in:\n{table}"));
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn labels_are_listed_shown_and_explained() {
    let server = Server::simulated();
    let list = server.ok(&["label", "list"]);
    assert!(line(&list, "flannel_backend").starts_with("flannel_backend choice host-gw kubernetes How pods"), "{list}");
    assert!(!list.contains("availability_zone"), "{list}");
    let swarm = server.ok(&["label", "list", "--all", "--coe", "swarm", "-o", "name"]);
    assert!(swarm.lines().any(|name| name == "availability_zone") && !swarm.contains("kube_tag"), "{swarm}");
    assert_eq!(line(&server.ok(&["label", "show", "flannel_backend"]), "allowed"), "allowed host-gw, vxlan or udp");
    let answer = server.cli(&["label", "show", "flanel_backend"]);
    assert!(answer.code == 3 && answer.err.contains("did you mean flannel_backend?"), "{answer:?}");

    let labels = "flannel_backend=vxlan,npd_enabled=true";
    server.ok(&["baymodel", "create", "kind", "--coe", "kubernetes", "--image", "debian-13", "--labels", labels]);
    server.ok(&["bay", "create", "demo", "--baymodel", "kind", "--labels", "flannel_backend=host-gw", "--no-wait"]);
    let of_template = server.ok(&["label", "explain", "--baymodel", "kind"]);
    assert_eq!(line(&of_template, "flannel_backend"), "flannel_backend vxlan template");
    assert_eq!(line(&of_template, "npd_enabled"), "npd_enabled true template Magnum's, no effect here");
    for group in [&[][..], &["--node-group", "default-worker"]] {
        let of_cluster = server.ok(&[&["label", "explain", "--cluster", "demo"], group].concat());
        assert_eq!(line(&of_cluster, "flannel_backend"), "flannel_backend host-gw cluster template has vxlan");
        assert_eq!(line(&of_cluster, "kube_tag"), "kube_tag v1.37.2 default");
        assert!(line(&of_cluster, "npd_enabled").contains("was not taken over"), "{of_cluster}");
    }
    assert_eq!(line(&server.ok(&["label", "explain", "kube_tag", "--cluster", "demo"]), "from"), "from default");
}

#[test]
fn versions_are_listed_asked_for_and_kept() {
    let server = Server::simulated();
    let names = server.ok(&["version", "list", "--engine", "kubernetes", "-o", "name"]);
    assert_eq!(names.lines().collect::<Vec<_>>(), ["v1.37.2", "v1.36.3", "v1.35.4", "v1.34.4"]);
    let list = server.ok(&["version", "list"]);
    assert_eq!(line(&list, "swarm"), "swarm 26.1.5 yes debian-13 simulated - -");
    let (default, first) = (server.json(&["version", "list", "--coe", "kubernetes"]), "2027-10-28");
    assert_eq!((&default[0]["default"], &default[0]["supported_until"]), (&true.into(), &first.into()));

    server.ok(&["bay", "create", "demo", "--baymodel", "kubernetes", "--labels", "kube_tag=1.36", "--no-wait"]);
    let shown = server.json(&["bay", "show", "demo"]);
    assert_eq!((&shown["engine_version"], &shown["labels"]["kube_tag"]), (&"v1.36.3".into(), &"1.36".into()));
    assert_eq!(line(&server.ok(&["bay", "show", "demo"]), "engine_version"), "engine_version v1.36.3");
    assert!(server.ok(&["bay", "topology", "demo"]).contains("kubernetes v1.36.3"));
    let of_cluster = server.ok(&["label", "explain", "--cluster", "demo"]);
    assert_eq!(line(&of_cluster, "kube_tag"), "kube_tag 1.36 cluster stands for v1.36.3");
    for (tag, words) in [
        ("v1.33", "Kubernetes 1.33 is too old: this release supports 1.34 to 1.37"),
        ("v1.38", "Kubernetes 1.38 is not known: this release supports 1.34 to 1.37"),
        ("v1.36.99", "has Kubernetes v1.37.2, v1.36.3, v1.35.4, v1.34.4, not v1.36.99"),
        ("newest", "must be a Kubernetes version such as v1.37.2, or v1.37 for its newest patch"),
    ] {
        let label = format!("kube_tag={tag}");
        let answer = server.cli(&["bay", "create", "other", "--baymodel", "kubernetes", "--labels", &label]);
        assert!(answer.code != 0 && answer.err.contains("labels.kube_tag: "), "{answer:?}");
        assert!(answer.err.contains(words), "{answer:?}");
    }
    let answer = server.cli(&["version", "list", "--engine", "mesos"]);
    assert!(answer.code == 2 && answer.err.contains("kubernetes, swarm"), "{answer:?}");
    assert_eq!(server.json(&["bay", "list"]).as_array().unwrap().len(), 1);
}

#[test]
fn a_slip_in_a_label_or_flavor_is_refused_with_a_hint() {
    let server = Server::simulated();
    for (option, value, hint) in [
        ("--labels", "kubetag=v1.37.2", "labels.kubetag: is not known, did you mean kube_tag?"),
        ("--labels", "flannel_backend=pigeon", "labels.flannel_backend: must be host-gw, vxlan or udp"),
        ("--flavor", "m1.smal", "flavor_id: there is no flavor 'm1.smal'"),
        ("--keypair", "missing", "keypair: there is no keypair 'missing'"),
    ] {
        let answer = server.cli(&["bay", "create", "demo", "--baymodel", "kubernetes", option, value]);
        assert!((1..=3).contains(&answer.code) && answer.err.contains(hint), "{answer:?}");
    }
    assert_eq!(server.json(&["bay", "list"]), serde_json::json!([]));
}

#[test]
fn the_operator_chooses_which_labels_are_accepted() {
    let create = |server: &Server, label: &str| {
        let kind = ["--coe", "kubernetes", "--image", "debian-13", "--labels", label];
        server.cli(&[&["baymodel", "create", "kind"], &kind[..]].concat()).code
    };
    for (rules, magnums, anybodys) in [("strict", false, false), ("magnum", true, false), ("any", true, true)] {
        let server = Server::with(&["--infrastructure", "simulated", "--label-rules", rules]);
        assert_eq!(create(&server, "npd_enabled=true") == 0, magnums, "{rules}");
        assert_eq!(create(&server, "our_own=x") == 0, anybodys, "{rules}");
        assert_eq!(server.json(&["label", "list"])[0]["name"], "kube_tag");
    }
}
