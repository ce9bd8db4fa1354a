//! Tests of `images/get`, which fetches or builds node components: releases with correct and wrong checksums, unknown
//! versions, and a module proxy that becomes unavailable in the middle.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

/// A web server on the loopback interface with answers from a closure.
struct Site {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Site {
    /// `answer` returns the body or status for a path and the number of earlier requests; `None` closes the connection.
    fn new(answer: impl Fn(&str, usize) -> Option<Result<Vec<u8>, u16>> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let Some(path) = path_of(&stream) else { continue };
                let earlier = {
                    let mut log = log.lock().unwrap();
                    log.push(path.clone());
                    log.len() - 1
                };
                let _ = match answer(&path, earlier) {
                    Some(Ok(body)) => respond(stream, 200, &body),
                    Some(Err(status)) => respond(stream, status, b""),
                    None => Ok(()),
                };
            }
        });
        Self { url, asked }
    }

    fn files(files: BTreeMap<String, Vec<u8>>) -> Self {
        Self::new(move |path, _| Some(files.get(path).cloned().ok_or(404)))
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn path_of(stream: &TcpStream) -> Option<String> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    lines.take_while(|line| !line.is_empty()).for_each(drop);
    Some(path)
}

fn respond(mut stream: TcpStream, status: u16, body: &[u8]) -> std::io::Result<()> {
    write!(stream, "HTTP/1.1 {status} -\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
    stream.write_all(body)
}

struct Got {
    ok: bool,
    out: String,
    err: String,
}

/// A cache for one test.
struct Cache(tempfile::TempDir);

impl Cache {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn get(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Got {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../images/get");
        let output = Command::new(script)
            .args(arguments)
            .env("JEROBOAM_CACHE", self.0.path())
            .env_remove("JEROBOAM_KEEP_GO_CACHES")
            .env_remove("JEROBOAM_RELEASES")
            .envs(environment.iter().copied())
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        Got { ok: output.status.success(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// The folders of finished and unfinished components.
    fn parts(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.0.path().join("parts")).into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect()
    }
}

fn architecture() -> String {
    let output = Command::new("dpkg").arg("--print-architecture").output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn sha256(content: &str) -> String {
    let sum = "sha256sum | cut -d' ' -f1";
    let output = Command::new("sh").args(["-c", &format!("printf %s '{content}' | {sum}")]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

const PROGRAMS: [&str; 6] =
    ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl"];

/// The files of a Kubernetes release by path; `wrong` is a program with a wrong checksum.
fn release(version: &str, wrong: Option<&str>) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for program in PROGRAMS {
        let content = format!("#!/bin/sh\necho {program} {version}\n");
        let sum = sha256(if wrong == Some(program) { "something else" } else { &content });
        let path = format!("/dl.k8s.io/{version}/bin/linux/{}/{program}", architecture());
        files.insert(format!("{path}.sha256"), sum.into_bytes());
        files.insert(path, content.into_bytes());
    }
    files
}

#[test]
fn a_release_that_fits_its_checksums_is_taken_and_kept() {
    let (cache, site) = (Cache::new(), Site::files(release("v1.37.9", None)));
    let mirror = [("JEROBOAM_RELEASES", site.url.as_str())];
    let got = cache.get(&["kubernetes", "v1.37.9"], &mirror);
    assert!(got.ok, "{}", got.err);
    let said = Command::new(Path::new(&got.out).join("kubelet")).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&said.stdout), "kubelet v1.37.9\n");
    assert_eq!(std::fs::read_to_string(Path::new(&got.out).join("source")).unwrap(), "release\n");

    let asked = site.asked().len();
    assert_eq!(cache.get(&["kubernetes", "v1.37.9"], &mirror).out, got.out);
    assert_eq!(site.asked().len(), asked, "the cache comes first");
}

#[test]
fn nothing_is_kept_of_a_release_with_a_file_that_does_not_fit() {
    let (cache, site) = (Cache::new(), Site::files(release("v1.37.9", Some("kube-proxy"))));
    let got = cache.get(&["kubernetes", "v1.37.9"], &[("JEROBOAM_RELEASES", &site.url)]);
    assert!(!got.ok && got.out.is_empty());
    assert!(got.err.contains("kube-proxy does not match its published SHA-256"), "{}", got.err);
    assert!(site.asked().iter().any(|path| path.ends_with("kube-proxy")), "the fault was injected");
    assert_eq!(cache.parts(), Vec::<PathBuf>::new());
}

#[test]
fn versions_that_cannot_be_had_are_refused_by_name() {
    let cache = Cache::new();
    let none = [("JEROBOAM_RELEASES", "none")];
    for (arguments, said) in [
        (&["kubernetes", "latest"][..], "looks like v1.37.2, not 'latest'"),
        (&["kubernetes", "v1.37"], "looks like v1.37.2"),
        (&["kubernetes", "v1.37.2/../.."], "looks like v1.37.2"),
        (&["kubernetes", "v1.20.2"], "there are modules for v1.37.2 v1.36.3 v1.35.4 v1.34.4 only"),
        (&["kubernetes", "v1.37.999"], "the modules for v1.37 are those of v1.37.2"),
        (&["etcd", "v3.4.0"], "etcd is available in version v3.7.3 only"),
        (&["dockershim"], "there is no node component 'dockershim'"),
        (&[], "usage"),
    ] {
        let got = cache.get(arguments, &none);
        assert!(!got.ok && got.err.contains(said), "{arguments:?}: {}", got.err);
        assert_eq!(cache.parts(), Vec::<PathBuf>::new(), "{arguments:?}");
    }
}

/// The module proxy that this machine uses.
fn module_proxy() -> String {
    let said = Command::new("go").args(["env", "GOPROXY"]).output().map(|output| output.stdout).unwrap_or_default();
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    let first = said.split([',', '|']).next().filter(|first| first.starts_with("http")).map(ToOwned::to_owned);
    first.unwrap_or_else(|| "https://proxy.golang.org".to_owned())
}

/// Forwards requests to the module proxy; fails from request number `until` on.
fn proxy_until(until: usize) -> Site {
    let upstream = module_proxy();
    Site::new(move |path, earlier| {
        if earlier >= until {
            return None;
        }
        let output = Command::new("curl").args(["-sSL", "--fail", &format!("{upstream}{path}")]).output().unwrap();
        Some(if output.status.success() { Ok(output.stdout) } else { Err(404) })
    })
}

#[test]
fn a_module_proxy_that_goes_away_in_the_middle_spoils_nothing_and_the_next_try_goes_on() {
    let cache = Cache::new();
    // Enough for some modules of the plugins, but not for all.
    let half = proxy_until(6);
    let with = |site: &Site, arguments: &[&str]| {
        cache.get(arguments, &[("JEROBOAM_RELEASES", "none"), ("GOPROXY", &site.url), ("GONOSUMDB", "*")])
    };
    let got = with(&half, &["cni-plugins"]);
    assert!(!got.ok && got.err.contains("retry when the module proxy is reachable"), "{}", got.err);
    let fetched = half.asked();
    assert!(fetched.len() > 6, "the proxy failed during the build: {fetched:?}");
    assert_eq!(cache.parts(), Vec::<PathBuf>::new());

    let whole = proxy_until(usize::MAX);
    let got = with(&whole, &["cni-plugins"]);
    assert!(got.ok, "{}", got.err);
    let again: Vec<_> = whole.asked().into_iter().filter(|path| fetched[..6].contains(path)).collect();
    assert_eq!(again, Vec::<String>::new(), "what was fetched is not fetched again");
    let folder = Path::new(&got.out);
    for program in ["bridge", "host-local", "loopback", "portmap"] {
        assert!(folder.join(program).exists(), "{program}");
    }
    assert!(std::fs::read_to_string(folder.join("source")).unwrap().starts_with("modules "));
    assert!(!cache.0.path().join("go").exists(), "the caches of Go are removed");
}
