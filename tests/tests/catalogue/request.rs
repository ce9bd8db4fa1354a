//! Invalid requests: each error names the field or the obstacle, and nothing is changed.

use jeroboam_tests::{Reply, Server, run};
use serde_json::{Value, json};

use crate::fault::{Fault, On, Told, Where, own};
use crate::trial::Trial;

const CORRECT: &str = "correct the named field";

const fn field(id: &'static str, what: &'static str, act: fn(&mut Trial<'_>)) -> Fault {
    own(id, On::Server, what, Told::user("invalid_input").by(Where::Answer(400)), CORRECT, act)
}

pub(crate) fn faults() -> Vec<Fault> {
    vec![
        field("unknown-label", "an unknown label: `flanel_backend=vxlan`", |trial| {
            refused_cluster(trial, "labels.flanel_backend", &json!({"labels": {"flanel_backend": "vxlan"}}));
        }),
        field("range-that-cannot-work", "`service_cluster_ip_range=127.0.0.0/8`", |trial| {
            let labels = json!({"labels": {"service_cluster_ip_range": "127.0.0.0/8"}});
            refused_cluster(trial, "labels.service_cluster_ip_range", &labels);
        })
        .quick(),
        field("unknown-version", "`kube_tag=v1.99`", |trial| {
            refused_cluster(trial, "labels.kube_tag", &json!({"labels": {"kube_tag": "v1.99"}}));
        }),
        field("too-many-nodes", "`node_count` of 10000", |trial| {
            refused_cluster(trial, "node_count", &json!({"node_count": 10_000}));
        }),
        Fault {
            told: Told::user("flavor_unknown").by(Where::Answer(400)),
            ..field("unknown-flavor", "an unknown flavor", |trial| {
                refused_cluster(trial, "flavor_id", &json!({"flavor_id": "m1.smal"}));
            })
        },
        Fault {
            told: Told::user("not_found").by(Where::Answer(404)),
            ..field("unknown-template", "an unknown template", |trial| {
                refused_cluster(trial, "cluster_template_id", &json!({"cluster_template_id": "no-such"}));
            })
        },
        Fault {
            on: On::Docker,
            told: Told::user("image_unknown").by(Where::Answer(400)),
            ..field("unknown-image", "a template with an unknown image", |trial| {
                let body = json!({"name": "t", "coe": "kubernetes", "image_id": "no-such"});
                let server = Server::start();
                let token = trial.token(&server);
                refused(trial, "image_id", || server.call("POST", "/v1/clustertemplates", &token, Some(&body)));
            })
        },
        field("bad-manifest", "a manifest that is not valid YAML", |trial| {
            let (server, token) = server(trial);
            server.create("kubernetes", "c", 1);
            let body = json!({"bay_uuid": "c", "manifest": "kind: [Pod"});
            refused(trial, "manifest", || server.call("POST", "/v1/pods", &token, Some(&body)));
        })
        .quick(),
        own(
            "cluster-busy",
            On::Server,
            "a resize while the cluster is being created",
            Told::user("status_refuses").by(Where::Answer(400)),
            "wait until the operation has finished, or delete the cluster",
            busy,
        ),
        own(
            "quota-reached",
            On::Server,
            "one cluster more than the quota",
            Told { who: "project_admin", ..Told::user("quota_reached").by(Where::Answer(403)) },
            "delete clusters, or ask for a higher quota",
            quota_reached,
        ),
        own(
            "name-of-two",
            On::Server,
            "a name that two clusters have",
            Told::user("ambiguous_name").by(Where::Answer(409)),
            "use the id",
            name_of_two,
        ),
        own(
            "kubernetes-too-old",
            On::Server,
            "a change of a cluster whose version is no longer supported",
            Told::user("kubernetes_too_old").by(Where::Answer(409)),
            "create a new cluster and move the workloads; `jeroboam bay delete NAME`",
            too_old,
        ),
    ]
}

fn server(trial: &Trial<'_>) -> (Server, String) {
    let server = Server::simulated();
    let token = trial.token(&server);
    (server, token)
}

/// The request is rejected, and the error names this field.
fn refused(trial: &mut Trial<'_>, field: &str, request: impl FnMut() -> Reply) {
    let reply = trial.told_by_refusal(request);
    assert_eq!(reply.fault().0, field, "{reply:?}");
    assert!(reply.fault().1.len() > field.len() + 5, "says what is wrong with it: {reply:?}");
    trial.over();
}

/// A cluster with an invalid value is rejected, and created without it.
fn refused_cluster(trial: &mut Trial<'_>, field: &str, bad: &Value) {
    let (server, token) = server(trial);
    let usual = json!({"name": "c", "cluster_template_id": "kubernetes"});
    let mut body = usual.clone();
    body.as_object_mut().unwrap().extend(bad.as_object().unwrap().clone());
    refused(trial, field, || server.call("POST", "/v1/clusters", &token, Some(&body)));
    assert_eq!(server.json(&["bay", "list"]), json!([]), "nothing was made");
    let made = server.call("POST", "/v1/clusters", &token, Some(&usual));
    assert_eq!(made.status, 202, "{made:?}");
}

fn busy(trial: &mut Trial<'_>) {
    let (server, token) = server(trial);
    server.ok(&["bay", "create", "c", "--baymodel", "kubernetes", "--node-count", "1", "--no-wait"]);
    let resize = || server.call("POST", "/v1/clusters/c/actions/resize", &token, Some(&json!({"node_count": 2})));
    trial.told_by_refusal(resize);
    server.reach("c", "CREATE_COMPLETE");
    assert_eq!(resize().status, 202);
    trial.over();
}

fn quota_reached(trial: &mut Trial<'_>) {
    let server = Server::with(&["--infrastructure", "simulated", "--quota-clusters", "1"]);
    let token = trial.token(&server);
    let create = || {
        let body = json!({"name": "c", "cluster_template_id": "swarm"});
        server.call("POST", "/v1/clusters", &token, Some(&body))
    };
    assert_eq!(create().status, 202);
    trial.told_by_refusal(create);
    server.reach("c", "CREATE_COMPLETE");
    server.ok(&["bay", "delete", "c", "--watch"]);
    assert_eq!(create().status, 202);
    trial.over();
}

fn name_of_two(trial: &mut Trial<'_>) {
    let (server, token) = server(trial);
    let body = json!({"name": "c", "cluster_template_id": "swarm"});
    let make = || server.call("POST", "/v1/clusters", &token, Some(&body)).body["uuid"].as_str().unwrap().to_owned();
    let ids = [make(), make()];
    trial.told_by_refusal(|| server.call("GET", "/v1/clusters/c", &token, None));
    for id in ids {
        assert_eq!(server.call("GET", &format!("/v1/clusters/{id}"), &token, None).status, 200);
    }
    trial.over();
}

fn too_old(trial: &mut Trial<'_>) {
    let mut server = Server::simulated();
    server.create("kubernetes", "c", 1);
    server.kill();
    let script = "import sqlite3,sys\nc=sqlite3.connect(sys.argv[1])\n\
                  c.execute('UPDATE clusters SET engine_version=?', ('v1.20.2',))\nc.commit()\n";
    run("python3", &["-c", script, server.data().join("jeroboam.db").to_str().unwrap()], &[]);
    server.restart();
    assert_eq!(server.json(&["bay", "show", "c"])["engine_version"], "v1.20.2", "it has struck");
    let token = trial.token(&server);
    let resize = json!({"node_count": 2});
    trial.told_by_refusal(|| server.call("POST", "/v1/clusters/c/actions/resize", &token, Some(&resize)));
    server.ok(&["bay", "delete", "c", "--watch"]);
    trial.over();
}
