//! Missing or incomplete images and programs.

use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use jeroboam_tests::{Server, binary, container_of, docker_output};

use crate::fault::{Fault, On, Told, Where, own};
use crate::trial::Trial;

const NODE_IMAGE: &str = "jeroboam/node:debian-13";

pub(crate) fn faults() -> Vec<Fault> {
    vec![
        own(
            "image-missing",
            On::Docker,
            "the node image is removed, and the cluster is resized",
            Told::operator("image_missing").by(Where::Operation),
            "restore the image, `jeroboam bay retry NAME`",
            missing,
        )
        .quick(),
        own(
            "image-without-kubelet",
            On::Docker,
            "a cluster is created from an image whose label lists a version without a kubelet",
            Told::operator("version_unavailable").by(Where::Operation),
            "fix the image, `jeroboam bay retry NAME`",
            without_kubelet,
        )
        .late("the machine has to start first"),
        own(
            "agent-missing",
            On::Docker,
            "`jeroboam-node` is removed while the server runs",
            Told::operator("agent_binary_missing").by(Where::Operation),
            "restore it, `jeroboam bay retry NAME`",
            agent_missing,
        )
        .quick(),
        own(
            "agent-not-executable",
            On::Docker,
            "`jeroboam-node` is replaced by a program for another processor while the server runs",
            Told::operator("machine_stopped").by(Where::Operation),
            "install the right one, `jeroboam bay retry NAME`",
            agent_not_executable,
        )
        .late("the machine has to be restarted five times first"),
    ]
}

/// An image with a separate name, removed when this is dropped.
struct Image(&'static str);

impl Image {
    fn tagged(name: &'static str) -> Self {
        docker_output(&["tag", NODE_IMAGE, name]);
        Self(name)
    }

    fn built(name: &'static str, steps: &str) -> Self {
        let mut build = Command::new("docker")
            .args(["build", "--quiet", "--tag", name, "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("the docker client is installed");
        build.stdin.take().unwrap().write_all(format!("FROM {NODE_IMAGE}\n{steps}\n").as_bytes()).unwrap();
        assert!(build.wait().unwrap().success());
        Self(name)
    }

    fn is_there(&self) -> bool {
        !docker_output(&["image", "ls", "-q", self.0]).is_empty()
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        docker_output(&["image", "rm", self.0]);
    }
}

/// Retries, then deletes the cluster.
fn retried(trial: &mut Trial<'_>, server: &Server) {
    server.ok(&["bay", "retry", "c", "--watch"]);
    let uuid = server.uuid_of("c");
    server.ok(&["bay", "delete", "c", "--watch"]);
    assert_eq!(server.marked(&uuid), Vec::<String>::new());
    trial.over();
}

fn missing(trial: &mut Trial<'_>) {
    let image = Image::tagged("jeroboam/node:catalogue");
    let server = Server::start();
    server.ok(&["baymodel", "create", "kind", "--coe", "swarm", "--image", "catalogue"]);
    server.create("kind", "c", 1);
    trial.strike(|| docker_output(&["image", "rm", image.0]));
    server.ok(&["bay", "resize", "c", "2", "--no-wait"]);
    trial.shown("the image is gone", || !image.is_there());
    trial.told_by_operation(&server, "c");
    let _again = Image::tagged(image.0);
    retried(trial, &server);
}

fn without_kubelet(trial: &mut Trial<'_>) {
    let _image = Image::built("jeroboam/node:catalogue-broken", "RUN rm /opt/jeroboam/kubernetes/*/kubelet");
    let server = Server::start();
    server.ok(&["baymodel", "create", "kind", "--coe", "kubernetes", "--image", "catalogue-broken"]);
    trial.strike(|| server.ok(&["bay", "create", "c", "--baymodel", "kind", "--node-count", "1", "--no-wait"]));
    let uuid = server.uuid_of("c");
    let kubelets = |node: &str| {
        let machine = container_of(&uuid, node)?;
        Some((crate::node::sh(&machine, "ls /opt/jeroboam/kubernetes/*/kubelet; echo looked"), machine))
    };
    trial.shown("the machine runs without", || kubelets("c-master-0").is_some_and(|(found, _)| found == "looked"));
    trial.told_by_operation(&server, "c");
    for node in ["c-master-0", "c-worker-0"] {
        let (_, machine) = kubelets(node).expect("it has a machine");
        // It does not have to be the real kubelet: it must exist and start.
        let mend = "for version in /opt/jeroboam/kubernetes/*; do ln -s kube-proxy $version/kubelet; done";
        crate::node::sh(&machine, mend);
    }
    retried(trial, &server);
}

fn agent_missing(trial: &mut Trial<'_>) {
    let folder = tempfile::tempdir().unwrap();
    let agent = folder.path().join("jeroboam-node");
    std::fs::copy(binary("jeroboam-node"), &agent).unwrap();
    let server = Server::with(&["--agent", agent.to_str().unwrap()]);
    trial.strike(|| std::fs::remove_file(&agent).unwrap());
    server.ok(&["bay", "create", "c", "--baymodel", "swarm", "--node-count", "1", "--no-wait"]);
    trial.shown("it is gone", || !agent.exists());
    trial.told_by_operation(&server, "c");
    std::fs::copy(binary("jeroboam-node"), &agent).unwrap();
    retried(trial, &server);
}

fn agent_not_executable(trial: &mut Trial<'_>) {
    let folder = tempfile::tempdir().unwrap();
    let agent = folder.path().join("jeroboam-node");
    let install = |content: &[u8]| {
        std::fs::write(&agent, content).unwrap();
        std::fs::set_permissions(&agent, Permissions::from_mode(0o755)).unwrap();
    };
    let right = std::fs::read(binary("jeroboam-node")).unwrap();
    install(&right);
    let server = Server::with(&["--agent", agent.to_str().unwrap()]);
    // The machine type in the ELF header (elf(5), e_machine): that of the IBM S/390.
    let mut other = right.clone();
    other[18..20].copy_from_slice(&[0x16, 0]);
    trial.strike(|| install(&other));
    server.ok(&["bay", "create", "c", "--baymodel", "swarm", "--node-count", "1", "--no-wait"]);
    let uuid = server.uuid_of("c");
    trial.shown("the machine exits again and again", || {
        let restarts = |machine: String| docker_output(&["inspect", "-f", "{{.RestartCount}}", &machine]);
        container_of(&uuid, "c-master-0").map(restarts).is_some_and(|count| !["", "0"].contains(&count.as_str()))
    });
    trial.told_by_operation(&server, "c");
    install(&right);
    retried(trial, &server);
}
