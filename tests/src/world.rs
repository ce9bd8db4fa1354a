//! The environment of a cluster: a proxy and a registry on a separate network, which its nodes can reach. They are
//! Squid and Docker's registry, installed by `scripts/install-tools world`.

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::{docker_output, eventually};

/// The proxy's log, in the folder of this world.
const PROXY_LOG: &str = "proxy/access.log";

/// Timeout until a program listens.
const START: Duration = Duration::from_secs(20);

/// A proxy and a registry. They and the network are removed when this is dropped.
pub struct World {
    dir: tempfile::TempDir,
    network: String,
    registry: Process,
    proxy: Process,
}

/// A process that is killed when this is dropped.
struct Process {
    child: Child,
    address: SocketAddr,
}

impl World {
    /// Starts both; the registry has the local image `image` as `web:1`.
    #[must_use]
    pub fn with(image: &str) -> Self {
        // Other users need access, because Squid drops root privileges.
        let others = std::fs::Permissions::from_mode(0o755);
        let dir = tempfile::Builder::new().prefix("jeroboam-world-").permissions(others).tempdir().unwrap();
        let network = docker_output(&["network", "create", &format!("jeroboam-world-{}", std::process::id())]);
        let gateway = docker_output(&["network", "inspect", "-f", "{{(index .IPAM.Config 0).Gateway}}", &network]);
        let gateway: IpAddr = gateway.parse().unwrap_or_else(|_| panic!("there is no separate network: {gateway}"));
        // Filled through the loopback address, for which Docker does not require TLS.
        let local = registry(dir.path(), Ipv4Addr::LOCALHOST.into());
        let name = format!("{}/web:1", local.address);
        docker_output(&["tag", image, &name]);
        docker_output(&["push", "--quiet", &name]);
        docker_output(&["image", "rm", &name]);
        drop(local);
        let (registry, proxy) = (registry(dir.path(), gateway), proxy(dir.path(), gateway));
        Self { dir, network, registry, proxy }
    }

    /// Address of the registry.
    #[must_use]
    pub fn registry(&self) -> String {
        self.registry.address.to_string()
    }

    /// URL of the proxy.
    #[must_use]
    pub fn proxy(&self) -> String {
        format!("http://{}", self.proxy.address)
    }

    /// Whether the proxy has forwarded requests to the registry.
    #[must_use]
    pub fn registry_was_asked_through_the_proxy(&self) -> bool {
        let log = std::fs::read_to_string(self.dir.path().join(PROXY_LOG)).unwrap_or_default();
        log.contains(&format!("http://{}/v2/", self.registry.address))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for name in [PROXY_LOG, "registry.out", "proxy.out"] {
                println!("{name}:\n{}", std::fs::read_to_string(self.dir.path().join(name)).unwrap_or_default());
            }
        }
        docker_output(&["network", "rm", &self.network]);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn registry(dir: &Path, ip: IpAddr) -> Process {
    let address = free(ip);
    let config = dir.join("registry.yml");
    let images = dir.join("images");
    let text = format!(
        "version: 0.1\nlog: {{level: warn}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: \"{address}\"}}\n",
        images.display()
    );
    std::fs::write(&config, text).unwrap();
    start(dir, "docker-registry", &["serve", config.to_str().unwrap()], address, "registry.out")
}

fn proxy(dir: &Path, ip: IpAddr) -> Process {
    let address = free(ip);
    let (config, log) = (dir.join("squid.conf"), dir.join(PROXY_LOG));
    std::fs::create_dir(log.parent().unwrap()).unwrap();
    std::fs::set_permissions(log.parent().unwrap(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let text = format!(
        "http_port {address}\nhttp_access allow all\ncache deny all\naccess_log stdio:{log}\ncache_log stdio:/dev/null\n\
         pid_filename none\npinger_enable off\nshutdown_lifetime 0 seconds\nworkers 1\n",
        log = log.display()
    );
    std::fs::write(&config, text).unwrap();
    start(dir, "squid", &["-N", "-f", config.to_str().unwrap()], address, "proxy.out")
}

fn start(dir: &Path, program: &str, arguments: &[&str], address: SocketAddr, out: &str) -> Process {
    let out = File::options().create(true).append(true).open(dir.join(out)).unwrap();
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(out.try_clone().unwrap())
        .stderr(out)
        .spawn()
        .unwrap_or_else(|problem| panic!("{program} is installed by `scripts/install-tools world`: {problem}"));
    let process = Process { child, address };
    eventually(&format!("{program} listens"), START, || TcpStream::connect(address).is_ok().then_some(()));
    process
}

fn free(ip: IpAddr) -> SocketAddr {
    TcpListener::bind((ip, 0)).unwrap().local_addr().unwrap()
}
