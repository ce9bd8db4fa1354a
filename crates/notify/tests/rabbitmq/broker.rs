//! A RabbitMQ of one test: on loopback, with ports and a folder of its own, removed however the test ends.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures::StreamExt;
use jeroboam_notify::BusUrl;
use lapin::options::{BasicAckOptions, BasicConsumeOptions};
use lapin::types::FieldTable;
use lapin::{Connection, ConnectionProperties, Consumer};
use serde_json::Value;

/// The server itself: Debian's wrapper would switch to another user.
const SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";
/// How long the broker may take to come up, and a message to arrive, on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);
/// Between two checks whether the broker is up.
const LOOK: Duration = Duration::from_millis(100);
/// The password of the test's user.
pub(crate) const PASSWORD: &str = "words-that-stay-secret";

/// A broker. Its data on disk survives a [`Broker::stop`] and is used by the next [`Broker::start`].
pub(crate) struct Broker {
    folder: tempfile::TempDir,
    port: u16,
    distribution_port: u16,
    names_port: u16,
    /// Erlang's name server (epmd): started here, because one that the broker starts would outlive it.
    names: Child,
    server: Option<Child>,
}

impl Broker {
    /// A broker that is not started yet; its port is closed.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let names_port = free_port();
        let names = program("epmd", &folder.path().join("names.log"))
            .args(["-port", &names_port.to_string(), "-address", "127.0.0.1"])
            .spawn()
            .expect("epmd is installed by: scripts/install-tools bus");
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("environment"), "").unwrap();
        std::fs::write(at("plugins"), "[].\n").unwrap();
        let settings = format!("default_user = jeroboam\ndefault_pass = {PASSWORD}\ndisk_free_limit.absolute = 1MB\n");
        std::fs::write(at("rabbitmq.conf"), settings).unwrap();
        let (port, distribution_port) = (free_port(), free_port());
        Self { folder, port, distribution_port, names_port, names, server: None }
    }

    pub(crate) fn url(&self) -> BusUrl {
        self.url_text().parse().unwrap()
    }

    fn url_text(&self) -> String {
        format!("amqp://jeroboam:{PASSWORD}@127.0.0.1:{}/%2f", self.port)
    }

    /// Starts it and waits until it accepts connections.
    pub(crate) async fn start(&mut self) {
        let folder = self.folder.path().to_owned();
        let at = |name: &str| folder.join(name);
        let mut command = program(SERVER, &self.log());
        command
            .env("HOME", &folder)
            // As under a service manager: the shell execs the server, so that the server is our child.
            .env("NOTIFY_SOCKET", at("nobody"))
            .env("ERL_EPMD_PORT", self.names_port.to_string())
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_NODENAME", "jeroboam@localhost")
            .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_NODE_PORT", self.port.to_string())
            .env("RABBITMQ_DIST_PORT", self.distribution_port.to_string())
            .env("RABBITMQ_MNESIA_BASE", at("data"))
            .env("RABBITMQ_LOGS", "-")
            .env("RABBITMQ_LOG_BASE", at("log"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", at("plugins"))
            .env("RABBITMQ_CONFIG_FILE", at("rabbitmq.conf"))
            .env("RABBITMQ_CONF_ENV_FILE", at("environment"))
            .env("RABBITMQ_PID_FILE", at("pid"))
            .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1");
        self.server = Some(command.spawn().expect("RabbitMQ is installed by: scripts/install-tools bus"));
        let begin = Instant::now();
        let mut looks = tokio::time::interval(LOOK);
        while self.connect().await.is_none() {
            let ended = self.server.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none() && begin.elapsed() < LIMIT, "RabbitMQ did not come up:\n{}", self.last_words());
            looks.tick().await;
        }
    }

    /// Kills it, as in a power failure.
    pub(crate) fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _ = server.kill();
            let _ = server.wait();
        }
    }

    /// Reads a queue.
    pub(crate) async fn read(&self, queue: &str) -> Reader {
        let connection = self.connect().await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        let options = BasicConsumeOptions::default();
        let consumer =
            channel.basic_consume(queue.into(), "test".into(), options, FieldTable::default()).await.unwrap();
        Reader { consumer, _connection: connection }
    }

    pub(crate) async fn connect(&self) -> Option<Connection> {
        Connection::connect(&self.url_text(), ConnectionProperties::default()).await.ok()
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }

    fn last_words(&self) -> String {
        let text = std::fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.stop();
        let _ = self.names.kill();
        let _ = self.names.wait();
    }
}

/// Reads messages as a listener of oslo.messaging does.
pub(crate) struct Reader {
    consumer: Consumer,
    _connection: Connection,
}

impl Reader {
    /// The next message without its envelope.
    pub(crate) async fn next(&mut self) -> Value {
        let delivery = tokio::time::timeout(LIMIT, self.consumer.next()).await.expect("a message").unwrap().unwrap();
        delivery.ack(BasicAckOptions::default()).await.unwrap();
        let properties = &delivery.properties;
        assert_eq!(properties.content_type().as_ref().unwrap().as_str(), "application/json");
        assert_eq!(properties.content_encoding().as_ref().unwrap().as_str(), "utf-8");
        let envelope: Value = serde_json::from_slice(&delivery.data).unwrap();
        assert_eq!(envelope["oslo.version"], "2.0");
        serde_json::from_str(envelope["oslo.message"].as_str().unwrap()).unwrap()
    }
}

/// A program that the kernel kills when the test is killed.
fn program(path: &str, log: &Path) -> Command {
    let log = File::options().create(true).append(true).open(log).unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--", path]);
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
    command
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
