//! `jeroboam bay config`: generates a key, gets a certificate from the cluster's CA, and writes the files that kubectl
//! or docker need. The key never leaves this machine.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use jeroboam_types::v1::Cluster;
use secrecy::ExposeSecret;

use super::Context;
use super::failure::Failure;
use super::kubeconfig::{self, Entry};
use super::kubectl;
use super::output::{complain, raw, say};
use super::private_file;

/// Common name of the certificate, as Magnum's client sets it (contract magnum-v1 section 10.5).
const COMMON_NAME: &str = "admin";
/// The group of cluster administrators in Kubernetes.
const ADMINS: &str = "system:masters";

#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// Name or id of the cluster.
    name: String,

    /// Folder to write into: `config` for kubectl; `ca.pem`, `cert.pem` and `key.pem` for docker.
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,

    /// Write the kubeconfig to this file instead.
    #[arg(long, value_name = "FILE", conflicts_with = "dir")]
    file: Option<PathBuf>,

    /// Print the kubeconfig instead. It holds a secret key.
    #[arg(long, conflicts_with_all = ["dir", "file"])]
    stdout: bool,

    /// Merge it into the kubeconfig that kubectl uses: the first file of $KUBECONFIG, or ~/.kube/config.
    #[arg(long, conflicts_with_all = ["dir", "file", "stdout"])]
    merge: bool,

    /// Write the certificates for kubectl as files too, `ca.pem`, `cert.pem` and `key.pem`: for the cluster's registry, or
    /// curl.
    #[arg(long, conflicts_with_all = ["stdout", "merge", "file"])]
    output_certs: bool,

    /// Overwrite existing files.
    #[arg(long)]
    force: bool,
}

/// What a client needs to reach a cluster.
struct Access {
    server: String,
    ca: String,
    certificate: String,
    key: secrecy::SecretString,
}

/// Certificate files for docker, curl and others.
struct Files {
    ca: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
}

impl Files {
    fn of(dir: &Path) -> Self {
        Self { ca: dir.join("ca.pem"), certificate: dir.join("cert.pem"), key: dir.join("key.pem") }
    }

    fn paths(&self) -> [&Path; 3] {
        [&self.ca, &self.certificate, &self.key]
    }

    fn write(&self, access: &Access) -> anyhow::Result<()> {
        let line = |text: &str| format!("{}\n", text.trim_end());
        private_file::write(&self.ca, &line(&access.ca))?;
        private_file::write(&self.certificate, &line(&access.certificate))?;
        private_file::write(&self.key, &line(access.key.expose_secret()))
    }
}

pub(crate) async fn run(context: &Context, arguments: ConfigArgs) -> Result<(), Failure> {
    let cluster = context.client.cluster(&arguments.name).await?;
    let template = context.client.template(&cluster.cluster_template_id).await?;
    match template.coe.as_str() {
        "kubernetes" => kubernetes(context, &cluster, &arguments).await,
        "swarm" | "swarm-mode" => swarm(context, &cluster, &arguments).await,
        other => {
            Err(Failure::Other(anyhow::anyhow!("there is no configuration to write for a cluster of type {other}")))
        }
    }
}

/// Gets access. Existing files are checked before this, so that no certificate is signed in vain.
async fn access(context: &Context, cluster: &Cluster) -> Result<Access, Failure> {
    let name = cluster.name.as_deref().unwrap_or(&cluster.uuid);
    let server = cluster.api_address.clone().filter(|address| !address.is_empty()).ok_or_else(|| {
        Failure::Other(anyhow::anyhow!(
            "{name} has no API address yet (it is {}). Wait until it is made: jeroboam operation watch {name}",
            cluster.status
        ))
    })?;
    let ca = context.client.certificate_authority(&cluster.uuid).await?.pem;
    let (key, request) = jeroboam_pki::key_and_request(COMMON_NAME, &[ADMINS.to_owned()])
        .map_err(|error| Failure::Other(anyhow::Error::new(error).context("generating a key")))?;
    let certificate = context.client.sign_certificate(&cluster.uuid, &request).await?.pem;
    Ok(Access { server, ca, certificate, key })
}

async fn kubernetes(context: &Context, cluster: &Cluster, arguments: &ConfigArgs) -> Result<(), Failure> {
    let path = if arguments.merge {
        kubectl_file()?
    } else {
        arguments.file.clone().unwrap_or_else(|| arguments.dir.join("config"))
    };
    let certificates = arguments.output_certs.then(|| Files::of(&arguments.dir));
    if !arguments.merge && !arguments.stdout {
        let mut wanted = vec![path.as_path()];
        wanted.extend(certificates.iter().flat_map(Files::paths));
        refuse_existing(&wanted, arguments.force)?;
    }
    let access = access(context, cluster).await?;
    if let Some(version) = super::cluster_view::engine_version(context, cluster).await
        && let Some(advice) = kubectl::advice(&version, None).await
    {
        complain(&advice)?;
    }
    let entry = Entry {
        name: cluster.name.as_deref().unwrap_or(&cluster.uuid),
        uuid: &cluster.uuid,
        server: &access.server,
        ca: &access.ca,
        certificate: &access.certificate,
        key: access.key.expose_secret(),
    };
    if arguments.stdout {
        return raw(&kubeconfig::new(&entry)?);
    }
    if arguments.merge {
        let existing = match std::fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            other => other.with_context(|| format!("reading {}", path.display()))?,
        };
        let (text, name) =
            kubeconfig::merge(&existing, &entry).with_context(|| format!("merging into {}", path.display()))?;
        private_file::write(&path, &text)?;
        return say(&format!("{} now has '{name}' as its current context. Try: kubectl get nodes", path.display()));
    }
    private_file::write(&path, &kubeconfig::new(&entry)?)?;
    complain(&format!("wrote {}", path.display()))?;
    if let Some(files) = certificates {
        files.write(&access)?;
        complain(&format!("wrote ca.pem, cert.pem and key.pem into {}", arguments.dir.display()))?;
    }
    say(&format!("export KUBECONFIG={}", quoted(&path)))
}

async fn swarm(context: &Context, cluster: &Cluster, arguments: &ConfigArgs) -> Result<(), Failure> {
    if arguments.merge || arguments.stdout || arguments.file.is_some() {
        return Err(Failure::Usage("docker needs a folder with three files: use --dir for a Swarm cluster".to_owned()));
    }
    let files = Files::of(&arguments.dir);
    refuse_existing(&files.paths(), arguments.force)?;
    let access = access(context, cluster).await?;
    files.write(&access)?;
    complain(&format!("wrote ca.pem, cert.pem and key.pem into {}", arguments.dir.display()))?;
    say(&format!(
        "export DOCKER_HOST={}\nexport DOCKER_TLS_VERIFY=1\nexport DOCKER_CERT_PATH={}",
        docker_host(&access.server),
        quoted(&arguments.dir)
    ))
}

/// URL for docker, which expects `tcp://`, whatever scheme the API has.
fn docker_host(address: &str) -> String {
    format!("tcp://{}", address.rsplit("//").next().unwrap_or(address).trim_end_matches('/'))
}

/// The file that `kubectl config` would change: the first existing one in $KUBECONFIG, else the last.
fn kubectl_file() -> anyhow::Result<PathBuf> {
    if let Some(list) = std::env::var_os("KUBECONFIG").filter(|list| !list.is_empty()) {
        let files: Vec<PathBuf> = std::env::split_paths(&list).filter(|path| !path.as_os_str().is_empty()).collect();
        if let Some(file) = files.iter().find(|path| path.exists()).or(files.last()) {
            return Ok(file.clone());
        }
    }
    let home = std::env::var_os("HOME").context("HOME is not set, so ~/.kube/config cannot be found. Use --file")?;
    Ok(PathBuf::from(home).join(".kube/config"))
}

fn refuse_existing(paths: &[&Path], force: bool) -> Result<(), Failure> {
    match paths.iter().find(|path| path.exists()) {
        Some(path) if !force => Err(Failure::Usage(format!(
            "{} exists already. Overwrite it with --force, or choose another place with --dir",
            path.display()
        ))),
        _ => Ok(()),
    }
}

/// A path for a shell: absolute, and quoted if necessary.
fn quoted(path: &Path) -> String {
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    shell_words::quote(&path.to_string_lossy()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docker_gets_a_tcp_address() {
        for given in ["https://10.0.0.1:2376", "tcp://10.0.0.1:2376", "10.0.0.1:2376", "https://10.0.0.1:2376/"] {
            assert_eq!(docker_host(given), "tcp://10.0.0.1:2376", "{given}");
        }
    }

    #[test]
    fn files_that_are_there_are_not_written_over_unasked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        assert!(refuse_existing(&[&path], false).is_ok());
        std::fs::write(&path, "precious").unwrap();
        assert!(refuse_existing(&[&path], false).is_err());
        assert!(refuse_existing(&[&path], true).is_ok());
    }
}
