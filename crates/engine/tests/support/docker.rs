//! Real Docker Engines, each with its own network, mounts, host name and process ids, connected by veth pairs: they are
//! not visible outside, and nothing is left when they stop.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{Authority, Process, eventually, program};

/// How long an engine may take to come up on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(60);
/// Port of the engine's API, as on real nodes.
const PORT: u16 = 2376;
/// The image that every engine has.
pub(crate) const IMAGE: &str = "test/busybox:1";

/// The engines of one test and the network between them.
pub(crate) struct Site {
    pub(crate) engines: Vec<Engine>,
    pub(crate) authority: Authority,
    names: Names,
    folder: tempfile::TempDir,
}

pub(crate) struct Engine {
    pub(crate) name: String,
    pub(crate) address: Ipv4Addr,
    process: Process,
    socket: PathBuf,
}

/// Names that are unique among the tests running on this machine: they contain the process id.
struct Names(u32);

impl Names {
    fn space(&self, index: usize) -> String {
        format!("jbt{}-{index}", self.0)
    }

    fn cable(&self, index: usize) -> String {
        format!("jbt{}-{index}", self.0)
    }

    fn cgroup(&self) -> String {
        format!("jeroboam-test-{}", self.0)
    }

    /// A network of 8 addresses in 198.18.0.0/15, which is reserved for benchmarks.
    fn address(&self, offset: u32) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(Ipv4Addr::new(198, 18, 0, 0)) + (self.0 % 16_384) * 8 + offset)
    }
}

/// Runs a shell script, which must succeed; returns its output.
fn run(script: &str) -> String {
    let output = Command::new("sh").args(["-ec", script]).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{script}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

impl Site {
    /// One or two engines, not yet a swarm.
    pub(crate) async fn start(count: usize) -> Self {
        assert!(run("id -u") == "0", "tests with real Docker Engines must be run as root");
        let names = Names(std::process::id());
        let folder = tempfile::tempdir().unwrap();
        let mut site = Self { engines: Vec::new(), authority: Authority::new(), names, folder };
        for index in 0..count {
            site.lay_cable(index);
        }
        if count == 2 {
            site.join_cables();
        }
        for index in 0..count {
            let engine = site.start_engine(index);
            site.engines.push(engine);
        }
        for engine in &mut site.engines {
            eventually(START_LIMIT, async || {
                engine.process.check();
                if engine.try_docker(&["version"]) { Ok(()) } else { Err(engine.process.last_words()) }
            })
            .await;
            engine.import_image(site.folder.path());
        }
        site
    }

    /// Connects the tests with the engine.
    fn lay_cable(&self, index: usize) {
        let (space, cable) = (self.names.space(index), self.names.cable(index));
        let near = self.names.address(u32::try_from(index).unwrap() * 4 + 1);
        let far = self.names.address(u32::try_from(index).unwrap() * 4 + 2);
        run(&format!(
            "ip netns add {space}
             ip link add {cable} type veth peer name eth0 netns {space}
             ip addr add {near}/30 dev {cable}
             ip link set {cable} up
             ip -n {space} link set lo up
             ip -n {space} addr add {far}/30 dev eth0
             ip -n {space} link set eth0 up
             ip -n {space} route add default via {near}"
        ));
    }

    /// Connects the two engines directly, so that the machine's own forwarding rules do not apply.
    fn join_cables(&self) {
        let (a, b) = (self.names.space(0), self.names.space(1));
        let (address_a, address_b) = (self.names.address(2), self.names.address(6));
        run(&format!(
            "ip -n {a} link add peer type veth peer name peer netns {b}
             ip -n {a} link set peer up
             ip -n {b} link set peer up
             ip -n {a} route add {address_b}/32 dev peer src {address_a}
             ip -n {b} route add {address_a}/32 dev peer src {address_b}"
        ));
    }

    fn start_engine(&self, index: usize) -> Engine {
        let name = format!("node{}", index + 1);
        let address = self.names.address(u32::try_from(index).unwrap() * 4 + 2);
        let folder = self.folder.path().join(&name);
        std::fs::create_dir(&folder).unwrap();
        let pair = self.authority.issue(&name, None, &[IpAddr::V4(address)]);
        for (file, content) in [
            ("ca.crt", self.authority.certificate.as_str()),
            ("server.crt", &pair.certificate),
            ("server.key", &pair.key),
            ("daemon.json", "{}"),
            // Pulls are tried first; here they fail at once, not after the timeouts of an unreachable resolver.
            ("resolv.conf", "nameserver 127.0.0.1\n"),
        ] {
            std::fs::write(folder.join(file), content).unwrap();
        }
        let script = format!(
            "hostname {name}
             mount --make-rprivate /
             mkdir cgroup
             mount --rbind /sys/fs/cgroup cgroup
             mount -t sysfs sysfs /sys
             mount --rbind cgroup /sys/fs/cgroup
             mount --bind resolv.conf \"$(readlink -f /etc/resolv.conf)\"
             mount -t tmpfs tmpfs /run
             exec dockerd --config-file=$PWD/daemon.json --data-root=$PWD/data --exec-root=$PWD/exec \
                 --pidfile=$PWD/pid --bridge=none --iptables=false --ip-forward=false \
                 --cgroup-parent={cgroup} -H unix://$PWD/sock -H tcp://{address}:{PORT} \
                 --tlsverify --tlscacert=$PWD/ca.crt --tlscert=$PWD/server.crt --tlskey=$PWD/server.key",
            cgroup = self.names.cgroup()
        );
        let space = format!("--net=/run/netns/{}", self.names.space(index));
        // It is the first process of its PID namespace: when it is killed, everything it started is killed too.
        let mut command = program("nsenter");
        command.args([&space, "unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc"]);
        command.args(["sh", "-ec", &script]).current_dir(&folder);
        let process = Process::start("dockerd", &mut command, &folder);
        Engine { name, address, process, socket: folder.join("sock") }
    }
}

impl Engine {
    /// The engine's own command line.
    pub(crate) fn docker(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "docker {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub(crate) fn api_address(&self) -> String {
        format!("https://{}:{PORT}", self.address)
    }

    /// Simulates a power failure of the machine.
    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    fn try_docker(&self, arguments: &[&str]) -> bool {
        self.command(arguments).output().is_ok_and(|output| output.status.success())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("docker");
        command.arg("-H").arg(format!("unix://{}", self.socket.display())).args(arguments).stdin(Stdio::null());
        command
    }

    fn import_image(&self, folder: &Path) {
        run(&format!(
            "cd {folder}
             mkdir -p image/bin image/tmp
             cp \"$(command -v busybox)\" image/bin/busybox
             for name in sh sleep echo cat tr hostname; do ln -sf busybox image/bin/$name; done
             tar -C image -c . | docker -H unix://{socket} import - {IMAGE}",
            folder = folder.display(),
            socket = self.socket.display()
        ));
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let count = self.engines.len();
        if std::thread::panicking() {
            for engine in &self.engines {
                eprintln!("--- {}\n{}", engine.name, engine.process.last_words());
            }
        }
        self.engines.clear();
        for index in 0..count {
            let (space, cable) = (self.names.space(index), self.names.cable(index));
            let script = format!("ip link del {cable}; ip netns del {space}");
            let _ = Command::new("sh").args(["-c", &script]).stderr(Stdio::null()).status();
        }
        remove_cgroups(&self.names.cgroup());
    }
}

/// How long the kernel may take to release the resources of killed processes.
const REMOVE_LIMIT: Duration = Duration::from_secs(5);

fn remove_cgroups(name: &str) {
    let mut roots: Vec<PathBuf> = vec![Path::new("/sys/fs/cgroup").join(name)];
    for entry in std::fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten() {
        roots.push(entry.path().join(name));
    }
    let start = Instant::now();
    while roots.iter().any(|root| root.exists()) && start.elapsed() < REMOVE_LIMIT {
        for root in &roots {
            for child in std::fs::read_dir(root).into_iter().flatten().flatten() {
                let _ = std::fs::remove_dir(child.path());
            }
            let _ = std::fs::remove_dir(root);
        }
        std::thread::yield_now();
    }
}
