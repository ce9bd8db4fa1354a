//! `jeroboam pod ...`, `jeroboam service ...`, `jeroboam rc ...`: three nouns, the same verbs.

use std::io::Read;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use jeroboam_client::workload::Workload;
use jeroboam_types::v1::{Pod, ReplicationController, Service, ServicePort, WorkloadCreate};

use super::Context;
use super::failure::Failure;
use super::output::{Shown, map, or_dash, time};
use super::style::{BOLD, GOOD, WARN, paint, status};

#[derive(Debug, Subcommand)]
pub(crate) enum WorkloadCommand {
    /// List the pods of a cluster.
    #[command(after_help = "Examples:\n  jeroboam pod list --bay demo\n  jeroboam pod list --bay demo -o json")]
    List(BayArgs),
    /// Show everything about a pod.
    #[command(after_help = "Examples:\n  jeroboam pod show nginx --bay demo")]
    Show {
        /// Name or id.
        name: String,
        #[command(flatten)]
        bay: BayArgs,
    },
    /// Create a pod from a manifest.
    #[command(after_help = "Examples:
  jeroboam pod create --bay demo --manifest nginx.yaml
  jeroboam pod create --bay demo --manifest https://example.org/nginx.yaml
  cat nginx.yaml | jeroboam pod create --bay demo --manifest -")]
    Create(CreateArgs),
    /// Delete pods.
    #[command(after_help = "Examples:\n  jeroboam pod delete nginx --bay demo")]
    Delete {
        /// Names or ids.
        #[arg(required = true)]
        names: Vec<String>,
        #[command(flatten)]
        bay: BayArgs,
    },
}

/// The cluster of the workload.
#[derive(Debug, Args)]
pub(crate) struct BayArgs {
    /// Name or id of the cluster.
    #[arg(long, visible_alias = "cluster", value_name = "NAME")]
    bay: String,
}

#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    #[command(flatten)]
    bay: BayArgs,

    /// Manifest: a file, `-` for standard input, or a URL that the server fetches.
    #[arg(long, short = 'f', value_name = "FILE|URL|-", required_unless_present = "manifest_url")]
    manifest: Option<String>,

    /// URL of a manifest that the server fetches, as Magnum's first client had it.
    #[arg(long, value_name = "URL", hide = true, conflicts_with = "manifest")]
    manifest_url: Option<String>,
}

impl CreateArgs {
    fn body(self) -> anyhow::Result<WorkloadCreate> {
        let bay_uuid = self.bay.bay;
        let by_url = |url| WorkloadCreate { bay_uuid: bay_uuid.clone(), manifest: None, manifest_url: Some(url) };
        if let Some(url) = self.manifest_url {
            return Ok(by_url(url));
        }
        let source = self.manifest.unwrap_or_default();
        if source.starts_with("http://") || source.starts_with("https://") {
            return Ok(by_url(source));
        }
        let text = if source == "-" {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).context("reading the manifest from standard input")?;
            text
        } else {
            std::fs::read_to_string(&source).with_context(|| format!("reading the manifest {source}"))?
        };
        Ok(WorkloadCreate { bay_uuid, manifest: Some(text), manifest_url: None })
    }
}

impl WorkloadCommand {
    pub(crate) async fn run<W: Workload + Shown>(self, context: &Context, noun: &str) -> Result<(), Failure> {
        let Context { client, out } = context;
        match self {
            Self::List(bay) => {
                let items: Vec<W> = client.workloads(&bay.bay).await?;
                out.list(&items, &format!("There is no {noun} in {}.", bay.bay))
            }
            Self::Show { name, bay } => out.one(&client.workload::<W>(&bay.bay, &name).await?),
            Self::Create(arguments) => {
                let made: W = client.create_workload(&arguments.body()?).await?;
                let sentence = format!("{noun} {} is made", paint(BOLD, &made.name()));
                out.told(&made, &sentence)
            }
            Self::Delete { names, bay } => {
                for name in names {
                    let item: W = client.workload(&bay.bay, &name).await?;
                    client.delete_workload::<W>(&bay.bay, &item.name()).await?;
                    out.told(&item, &format!("{noun} {} is deleted", item.name()))?;
                }
                Ok(())
            }
        }
    }
}

impl Shown for Pod {
    const COLUMNS: &'static [&'static str] = &["NAME", "STATUS", "RESTARTS", "ADDRESS", "NODE", "IMAGES"];
    const SPARE: &'static [&'static str] = &["IMAGES", "RESTARTS"];
    const TEXT: Option<&'static str> = Some("IMAGES");

    fn row(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            status(&or_dash(self.status.as_deref())),
            self.restarts.to_string(),
            or_dash(self.ip.as_deref()),
            or_dash(self.host.as_deref()),
            self.images.join(", "),
        ]
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        let mut details = vec![
            ("uuid", self.uuid.clone()),
            ("name", self.name.clone()),
            ("status", status(&or_dash(self.status.as_deref()))),
        ];
        if let Some(reason) = &self.status_reason {
            details.push(("status_reason", reason.clone()));
        }
        details.extend([
            ("restarts", self.restarts.to_string()),
            ("address", or_dash(self.ip.as_deref())),
            ("node", or_dash(self.host.as_deref())),
            ("images", self.images.join(", ")),
            ("labels", map(&self.labels)),
            ("bay_uuid", self.bay_uuid.clone()),
            ("created_at", time(self.created_at.as_deref())),
        ]);
        details
    }

    fn name(&self) -> String {
        self.name.clone()
    }
}

/// Ports as `80:30080/TCP`, as kubectl writes them.
fn ports(ports: &[ServicePort]) -> String {
    let texts: Vec<String> = ports
        .iter()
        .map(|port| match port.node_port {
            Some(node) => format!("{}:{node}/{}", port.port, port.protocol),
            None => format!("{}/{}", port.port, port.protocol),
        })
        .collect();
    or_dash(Some(&texts.join(", ")))
}

impl Shown for Service {
    const COLUMNS: &'static [&'static str] = &["NAME", "ADDRESS", "PORTS", "SELECTOR"];
    const TEXT: Option<&'static str> = Some("SELECTOR");

    fn row(&self) -> Vec<String> {
        vec![self.name.clone(), or_dash(self.ip.as_deref()), ports(&self.ports), map(&self.selector)]
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        vec![
            ("uuid", self.uuid.clone()),
            ("name", self.name.clone()),
            ("address", or_dash(self.ip.as_deref())),
            ("ports", ports(&self.ports)),
            ("selector", map(&self.selector)),
            ("labels", map(&self.labels)),
            ("bay_uuid", self.bay_uuid.clone()),
            ("created_at", time(self.created_at.as_deref())),
        ]
    }

    fn name(&self) -> String {
        self.name.clone()
    }
}

/// Ready pods out of the wanted number.
fn state(rc: &ReplicationController) -> String {
    let style = if rc.ready == rc.desired { GOOD } else { WARN };
    paint(style, &format!("{}/{}", rc.ready, rc.desired))
}

impl Shown for ReplicationController {
    const COLUMNS: &'static [&'static str] = &["NAME", "READY", "PODS", "IMAGES"];
    const TEXT: Option<&'static str> = Some("IMAGES");

    fn row(&self) -> Vec<String> {
        vec![self.name.clone(), state(self), self.replicas.to_string(), self.images.join(", ")]
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        vec![
            ("uuid", self.uuid.clone()),
            ("name", self.name.clone()),
            ("ready", state(self)),
            ("pods", self.replicas.to_string()),
            ("images", self.images.join(", ")),
            ("labels", map(&self.labels)),
            ("bay_uuid", self.bay_uuid.clone()),
            ("created_at", time(self.created_at.as_deref())),
        ]
    }

    fn name(&self) -> String {
        self.name.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(manifest: &str) -> anyhow::Result<WorkloadCreate> {
        CreateArgs { bay: BayArgs { bay: "demo".to_owned() }, manifest: Some(manifest.to_owned()), manifest_url: None }
            .body()
    }

    #[test]
    fn a_manifest_is_a_file_or_a_url() {
        let by_url = body("https://example.org/pod.yaml").unwrap();
        assert_eq!(by_url.manifest_url.as_deref(), Some("https://example.org/pod.yaml"));
        assert_eq!(by_url.manifest, None);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pod.yaml");
        std::fs::write(&path, "kind: Pod\n").unwrap();
        assert_eq!(body(path.to_str().unwrap()).unwrap().manifest.as_deref(), Some("kind: Pod\n"));
        assert!(body("/no/such/file").unwrap_err().to_string().contains("/no/such/file"));
    }

    #[test]
    fn ports_look_as_kubectl_writes_them() {
        let port = |node_port| ServicePort { protocol: "TCP".to_owned(), port: 80, node_port, ..Default::default() };
        assert_eq!(ports(&[port(Some(30080)), port(None)]), "80:30080/TCP, 80/TCP");
        assert_eq!(ports(&[]), "-");
    }
}
