//! Runs the OpenStack command lines that `scripts/install-tools clients` has installed, and records their output.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::Value;

use crate::{Answer, Server, cache};

/// Output that differs from run to run: ids, ids of projects, times and the bodies of certificates.
static CHANGING: LazyLock<Regex> = LazyLock::new(|| {
    let uuid = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";
    let time = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00";
    let pem = r"(?s:-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----)";
    Regex::new(&format!(r"(?P<uuid>{uuid})|(?P<hex>\b[0-9a-f]{{32}}\b)|(?P<time>{time})|(?P<pem>{pem})")).unwrap()
});

/// A user at a terminal: commands one after the other, and a transcript of them for golden files.
pub struct Session<'a> {
    server: &'a Server,
    cloud: &'static str,
    program: PathBuf,
    /// The name of the program in the transcript.
    name: &'static str,
    transcript: String,
}

impl<'a> Session<'a> {
    /// Starts a session with a client of `tests/clients`, for example `openstack`, as a cloud of clouds.yaml.
    #[must_use]
    pub fn new(server: &'a Server, client: &str, cloud: &'static str) -> Self {
        let name = if client == "openstack" { "openstack" } else { "magnum" };
        let program = cache().join("clients").join(client).join("bin").join(name);
        assert!(program.exists(), "{} is missing: `scripts/install-tools clients` installs it", program.display());
        Self { server, cloud, program, name, transcript: String::new() }
    }

    /// Runs a command line.
    pub fn run(&mut self, args: &[&str]) -> Answer {
        let cloud = self.server.cloud(self.cloud);
        let auth = |key: &str| cloud["auth"][key].as_str().unwrap_or_default().to_owned();
        let output = Command::new(&self.program)
            .args(args)
            // The oldest of them read neither clouds.yaml nor OS_PROJECT_NAME.
            .env("OS_AUTH_URL", auth("auth_url"))
            .env("OS_USERNAME", auth("username"))
            .env("OS_PASSWORD", auth("password"))
            .env("OS_TENANT_NAME", auth("project_name"))
            .env("OS_PROJECT_NAME", auth("project_name"))
            .env("OS_USER_DOMAIN_NAME", auth("user_domain_name"))
            .env("OS_PROJECT_DOMAIN_NAME", auth("project_domain_name"))
            .env("OS_IDENTITY_API_VERSION", "3")
            .env_remove("OS_CLOUD")
            .env("SHELL", "/bin/bash")
            .env("COLUMNS", "200")
            .env("NO_PROXY", "*")
            .env("PYTHONWARNINGS", "ignore")
            // Fixes the order of Python sets, in which this client sends tags.
            .env("PYTHONHASHSEED", "0")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let answer = Answer::new(&format!("{} {}", self.name, args.join(" ")), &output);
        assert!(!answer.err.contains("Traceback"), "{answer:?}");
        let text = format!("{}{}", answer.out, answer.err);
        writeln!(self.transcript, "$ {}\n{}\n", answer.command, text.trim_end()).unwrap();
        answer
    }

    /// Runs a command line that must succeed; returns its standard output.
    pub fn ok(&mut self, args: &[&str]) -> String {
        let answer = self.run(args);
        assert_eq!(answer.code, 0, "{answer:?}\nserver: {}", self.server.log_tail());
        answer.out
    }

    /// Runs a command line that must succeed, with `-f json`; returns the value.
    pub fn json(&mut self, args: &[&str]) -> Value {
        let mut all = args.to_vec();
        all.extend(["-f", "json"]);
        let text = self.ok(&all);
        serde_json::from_str(&text).unwrap_or_else(|problem| panic!("{args:?}: {problem}: {text}"))
    }

    /// Runs a command line that must fail; returns its error message.
    pub fn refused(&mut self, args: &[&str]) -> String {
        let answer = self.run(args);
        assert!(answer.code != 0, "{answer:?}");
        answer.err
    }

    /// All commands so far with their output. Values that differ from run to run are replaced, ids by numbers in order
    /// of appearance, so that equal ids stay equal.
    #[must_use]
    pub fn transcript(&self) -> String {
        let mut known: Vec<String> = Vec::new();
        let mut number = |text: &str| {
            let place = known.iter().position(|id| id == text).unwrap_or_else(|| {
                known.push(text.to_owned());
                known.len() - 1
            });
            place + 1
        };
        let replaced = CHANGING.replace_all(&self.transcript, |found: &Captures<'_>| {
            let is = |name: &str| found.name(name).is_some();
            if is("uuid") {
                format!("00000000-0000-0000-0000-{:012}", number(&found[0]))
            } else if is("hex") {
                format!("{:032}", number(&found[0]))
            } else if is("time") {
                "2000-01-01T00:00:00.000000+00:00".to_owned()
            } else {
                "-----BEGIN CERTIFICATE-----\n...\n-----END CERTIFICATE-----".to_owned()
            }
        });
        let folder = self.server.scratch("").display().to_string();
        replaced.replace(&self.server.url(), "http://server").replace(folder.trim_end_matches('/'), "FOLDER")
    }
}
