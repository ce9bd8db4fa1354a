//! Whether the kubectl on the PATH is compatible with a cluster.

use std::ffi::OsStr;
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use tokio::process::Command;

/// Supported version skew between kubectl and the API server, in minor versions
/// (<https://kubernetes.io/releases/version-skew-policy/#kubectl>).
const SKEW: u16 = 1;

/// Timeout for kubectl to print its version. It contacts no server, so this only ends one that hangs.
const PATIENCE: Duration = Duration::from_secs(5);

/// Download site of the upstream binaries.
const SITE: &str = "https://dl.k8s.io/release";

/// The fields of `kubectl version --client -o json` that are used here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Said {
    client_version: ClientVersion,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientVersion {
    git_version: String,
}

/// A note about the kubectl on the PATH for a cluster of this version: none if it is compatible, missing, or of an
/// unknown version. `path` overrides this process's PATH.
pub(super) async fn advice(cluster: &str, path: Option<&OsStr>) -> Option<String> {
    let found = client(path).await?;
    let (wanted, there) = (minor(cluster)?, minor(&found)?);
    if wanted.abs_diff(there) <= SKEW {
        return None;
    }
    let (from, to) = (wanted - SKEW, wanted + SKEW);
    let mut advice = format!(
        "note: the kubectl on your PATH is {found}, the cluster runs Kubernetes {cluster}: they may not understand each \
         other. Use a kubectl of 1.{from} to 1.{to}"
    );
    if let Some(url) = url(cluster) {
        advice += &format!(", such as {url}");
    }
    Some(advice)
}

/// The version of the kubectl on the PATH.
async fn client(path: Option<&OsStr>) -> Option<String> {
    let mut command = Command::new("kubectl");
    command.args(["version", "--client", "-o", "json"]).stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    if let Some(path) = path {
        // The program is looked up in this PATH, too.
        command.env("PATH", path);
    }
    let output = tokio::time::timeout(PATIENCE, command.output()).await.ok()?.ok()?;
    let said: Said = serde_json::from_slice(&output.stdout).ok()?;
    Some(said.client_version.git_version)
}

/// The minor version of `v1.37.2`, also with a distributor's suffix.
fn minor(version: &str) -> Option<u16> {
    let rest = version.strip_prefix("v1.")?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).map_or(rest, |end| &rest[..end]);
    digits.parse().ok().filter(|minor| (SKEW..1000).contains(minor))
}

/// The upstream URL of kubectl in this version for this machine.
fn url(version: &str) -> Option<String> {
    let version: jeroboam_types::kubernetes::Version = version.parse().ok()?;
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let processor = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    Some(format!("{SITE}/{version}/bin/{system}/{processor}/kubectl"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A PATH with a kubectl that runs this script. It uses shell built-ins only: no other program is on that PATH.
    fn path(script: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kubectl");
        std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        folder
    }

    fn says(version: &str) -> tempfile::TempDir {
        let answer =
            format!(r#"{{"clientVersion": {{"major": "1", "gitVersion": "{version}"}}, "kustomizeVersion": "v5"}}"#);
        path(&format!("test \"$*\" = 'version --client -o json' && echo '{answer}'"))
    }

    async fn told(cluster: &str, folder: &tempfile::TempDir) -> Option<String> {
        advice(cluster, Some(folder.path().as_os_str())).await
    }

    #[tokio::test]
    async fn one_minor_version_more_or_less_will_do() {
        for version in ["v1.36.0", "v1.37.2", "v1.37.9-eks-1", "v1.38.0+vendor"] {
            assert_eq!(told("v1.37.2", &says(version)).await, None, "{version}");
        }
    }

    #[tokio::test]
    async fn one_that_is_further_away_is_told_with_where_to_get_another() {
        for version in ["v1.35.9", "v1.20.2", "v1.39.0"] {
            let advice = told("v1.37.2", &says(version)).await.unwrap();
            assert!(advice.contains(version) && advice.contains("1.36 to 1.38"), "{advice}");
            assert!(advice.contains("https://dl.k8s.io/release/v1.37.2/bin/"), "{advice}");
        }
        // A version that is no exact release.
        let advice = told("v1.37.2+vendor", &says("v1.20.2")).await.unwrap();
        assert!(!advice.contains("https"), "{advice}");
    }

    #[tokio::test]
    async fn a_kubectl_that_says_nothing_of_use_is_no_reason_to_speak() {
        for script in ["exit 1", "echo no JSON", "echo '{}'", "echo '{\"clientVersion\": {\"gitVersion\": \"dev\"}}'"] {
            assert_eq!(told("v1.37.2", &path(script)).await, None, "{script}");
        }
        let empty = tempfile::tempdir().unwrap();
        assert_eq!(told("v1.37.2", &empty).await, None, "there is none");
        assert_eq!(told("unknown", &says("v1.20.2")).await, None);
        let file = path("exit 0");
        std::fs::set_permissions(file.path().join("kubectl"), std::fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(told("v1.37.2", &file).await, None, "it cannot be run");
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_hangs_is_not_waited_for() {
        let folder = path("while :; do :; done");
        assert_eq!(told("v1.37.2", &folder).await, None);
    }
}
