//! containerd, the container runtime of every Kubernetes node.

use super::layout::{CNI_CONFIG, CNI_PLUGINS, CONTAINERD_SOCKET, TOOLS, tool};
use super::node::Node;
use crate::process::{Probe, Spec};
use crate::proxy;

/// Name of the component.
pub const NAME: &str = "containerd";

/// The pause image in node images, which holds pods' namespaces.
pub const PAUSE_IMAGE: &str = "docker.io/jeroboam/pause:3.5";

/// Folder of images and containers.
pub const DATA: &str = "/var/lib/containerd";

/// Folder of settings per registry.
const REGISTRIES: &str = "/etc/containerd/certs.d";

/// The spec of containerd.
pub fn spec(node: &Node) -> Spec {
    let path = node.layout.config("containerd.toml");
    let mut environment = proxy::environment(&node.assignment);
    // containerd searches the PATH for its shim; the machine's Docker Engine may have another version of it.
    environment.push(("PATH", format!("{TOOLS}:{}", std::env::var("PATH").unwrap_or_default())));
    let spec = Spec::new(NAME, tool(NAME))
        .arguments(vec![format!("--config={}", path.display()), "--log-level=warn".to_owned()])
        .environment(environment)
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

/// The version of the installed containerd, if it can be determined.
pub async fn version() -> Option<String> {
    let output = tokio::process::Command::new(tool(NAME)).arg("--version").kill_on_drop(true).output().await.ok()?;
    parse_version(&String::from_utf8_lossy(&output.stdout))
}

/// Parses `containerd github.com/containerd/containerd/v2 v2.4.2 0cae528`: the third word.
fn parse_version(text: &str) -> Option<String> {
    text.split_whitespace().nth(2).map(|version| version.trim_start_matches('v').to_owned())
}

/// Configuration in format version 3, that of containerd 2.
fn configuration(node: &Node) -> String {
    let pause = match node.machine.has_pause_image {
        true => format!("[plugins.'io.containerd.cri.v1.images'.pinned_images]\n  sandbox = '{PAUSE_IMAGE}'\n"),
        false => String::new(),
    };
    let no_oom_scores = !node.machine.can_raise_limits;
    format!(
        r#"version = 3
[grpc]
  address = '{CONTAINERD_SOCKET}'
{pause}[plugins.'io.containerd.cri.v1.images'.registry]
  config_path = '{REGISTRIES}'
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = {no_oom_scores}
[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ['{CNI_PLUGINS}']
  conf_dir = '{CNI_CONFIG}'
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = 'io.containerd.runc.v2'
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
  SystemdCgroup = false
"#
    )
}

/// Settings of a registry without TLS.
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
        insta::assert_snapshot!("containerd_configuration", configuration(&testing::worker("v1.37.2")));
    }

    #[test]
    fn the_version_is_read_as_a_release_and_as_a_build_of_modules_write_it() {
        let parse = |text| parse_version(text).unwrap();
        assert_eq!(parse("containerd github.com/containerd/containerd/v2 v2.4.2 0cae528\n"), "2.4.2");
        assert_eq!(parse("containerd github.com/containerd/containerd/v2 v2.4.2 \n"), "2.4.2");
    }

    #[test]
    fn an_insecure_registry_gets_a_file_of_its_own() {
        let mut node = testing::worker("v1.37.2");
        node.assignment.insecure_registries = vec!["172.17.0.1:5000".to_owned()];
        let file = spec(&node).files.pop().unwrap();
        assert_eq!(file.path.display().to_string(), "/etc/containerd/certs.d/172.17.0.1:5000/hosts.toml");
        assert!(file.content.starts_with("server = \"http://172.17.0.1:5000\""));
    }
}
