//! containerd, the container runtime of every Kubernetes node.

use super::layout::{CNI_CONFIG, CONTAINERD_SOCKET, Layout};
use super::node::Node;
use crate::process::{Probe, Spec};
use crate::proxy;

/// Name of the component.
pub const NAME: &str = "containerd";

/// The image that node images bring along to hold pods' namespaces.
pub const PAUSE_IMAGE: &str = "docker.io/jeroboam/pause:3.5";

/// Where images and containers lie.
pub const DATA: &str = "/var/lib/containerd";

/// Where containerd looks for settings per registry.
const REGISTRIES: &str = "/etc/containerd/certs.d";

/// containerd as it is to run.
pub fn spec(node: &Node) -> Spec {
    let path = node.layout.config("containerd.toml");
    let spec = Spec::new(NAME, "containerd")
        .arguments(vec![format!("--config={}", path.display()), "--log-level=warn".to_owned()])
        .environment(proxy::environment(&node.assignment))
        .file(path, configuration(node));
    node.assignment
        .insecure_registries
        .iter()
        .fold(spec, |spec, registry| spec.file(format!("{REGISTRIES}/{registry}/hosts.toml"), hosts(registry)))
}

/// Ready when it listens.
pub fn probe() -> Probe {
    Probe::Socket(CONTAINERD_SOCKET.into())
}

/// The version of the installed containerd, if it can be told.
pub async fn version() -> Option<String> {
    let output = tokio::process::Command::new("containerd").arg("--version").kill_on_drop(true).output().await.ok()?;
    parse_version(&String::from_utf8_lossy(&output.stdout))
}

/// `containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1+deb12u3`: the third word.
fn parse_version(text: &str) -> Option<String> {
    text.split_whitespace().nth(2).map(|version| version.trim_start_matches('v').to_owned())
}

/// Version 2 of the format: read by containerd 1.6 and 1.7, and converted by 2.x.
fn configuration(node: &Node) -> String {
    let plugins = Layout::cni_plugins().display();
    let pause = match node.machine.has_pause_image {
        true => format!("  sandbox_image = \"{PAUSE_IMAGE}\"\n"),
        false => String::new(),
    };
    let no_oom_scores = !node.machine.can_raise_limits;
    format!(
        r#"version = 2
[grpc]
  address = "{CONTAINERD_SOCKET}"
[plugins."io.containerd.grpc.v1.cri"]
{pause}  restrict_oom_score_adj = {no_oom_scores}
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "{plugins}"
  conf_dir = "{CNI_CONFIG}"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  SystemdCgroup = false
[plugins."io.containerd.grpc.v1.cri".registry]
  config_path = "{REGISTRIES}"
"#
    )
}

/// A registry that is spoken to without TLS.
fn hosts(registry: &str) -> String {
    format!(
        "server = \"http://{registry}\"\n\n[host.\"http://{registry}\"]\n  capabilities = [\"pull\", \"resolve\"]\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::testing;

    #[test]
    fn configuration_of_a_container_without_sys_resource() {
        insta::assert_snapshot!("containerd_configuration", configuration(&testing::worker("v1.20.2")));
    }

    #[test]
    fn the_version_is_read_as_debian_and_as_upstream_write_it() {
        let parse = |text| parse_version(text).unwrap();
        assert_eq!(parse("containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1\n"), "1.6.20~ds1");
        assert_eq!(parse("containerd github.com/containerd/containerd v1.7.2 0cae528\n"), "1.7.2");
    }

    #[test]
    fn an_insecure_registry_gets_a_file_of_its_own() {
        let mut node = testing::worker("v1.20.2");
        node.assignment.insecure_registries = vec!["172.17.0.1:5000".to_owned()];
        let file = spec(&node).files.pop().unwrap();
        assert_eq!(file.path.display().to_string(), "/etc/containerd/certs.d/172.17.0.1:5000/hosts.toml");
        assert!(file.content.starts_with("server = \"http://172.17.0.1:5000\""));
    }
}
