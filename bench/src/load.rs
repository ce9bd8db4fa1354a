//! Measures the throughput of reads with a full database. The load generator is wrk, which runs on the same machine;
//! the table shows how much processor time it used.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use jeroboam_client::Client;
use jeroboam_client::config::{Credentials, Named};
use jeroboam_types::v1::ClusterCreate;
use secrecy::ExposeSecret;

use crate::report::{Report, Unit};
use crate::samples::Samples;
use crate::server::Server;
use crate::{Settings, machine, say, seed};

/// Templates in the database.
const TEMPLATES: usize = 100;
/// Clusters in the database, each with one master and two workers.
const CLUSTERS: usize = 10_000;
/// Duration of each load.
const SECONDS: u64 = 10;
/// Duration of the unmeasured load before, which fills caches.
const WARM_UP_SECONDS: u64 = 2;
/// Timeout for the first cluster; the simulated infrastructure takes seconds.
const MADE: Duration = Duration::from_secs(120);
/// Pause between two checks of the new cluster, and of the server's memory.
const LOOK: Duration = Duration::from_millis(50);

/// One kind of load.
struct Kind {
    what: &'static str,
    /// Body of the Lua function that returns the path of the next request.
    path: &'static str,
    /// Concurrent requests.
    connections: u32,
    /// Target for the 99th percentile, in milliseconds.
    p99: Option<f64>,
    /// Target for answers per second, a minimum.
    rate: Option<f64>,
}

const KINDS: [Kind; 3] = [
    Kind {
        what: "`GET /v1/clusters/{id}`",
        path: "return '/v1/clusters/' .. ids[math.random(#ids)]",
        connections: 16,
        p99: Some(5.0),
        rate: Some(10_000.0),
    },
    Kind {
        what: "`GET /v1/clusters?limit=100`",
        path: "return '/v1/clusters?limit=100&marker=' .. ids[math.random(#ids - 100)]",
        connections: 2,
        p99: Some(20.0),
        rate: None,
    },
    Kind {
        what: "`GET /v1/clustertemplates`, all 100",
        path: "return '/v1/clustertemplates'",
        connections: 16,
        p99: None,
        rate: Some(5_000.0),
    },
];

/// The result of one run of wrk.
struct Found {
    requests: f64,
    seconds: f64,
    /// Milliseconds.
    p99: f64,
    bad: f64,
    /// Processors that wrk itself kept busy.
    cores: f64,
    /// Highest memory of the server, in MB.
    memory: f64,
}

/// Starts a server, fills its database, and measures it under load.
pub(crate) async fn measure(settings: &Settings, report: &mut Report) -> anyhow::Result<()> {
    let mut server = Server::start(settings, &["--infrastructure", "simulated"]).await?;
    let result = with_server(settings, &mut server, report).await;
    result.with_context(|| format!("the end of the server's log:\n{}", server.log_tail()))
}

async fn with_server(settings: &Settings, server: &mut Server, report: &mut Report) -> anyhow::Result<()> {
    make_one(&server.client()?).await?;
    server.stop().await?;
    say(&format!("filling the database with {TEMPLATES} templates and {CLUSTERS} clusters"));
    let ids = seed::fill(&server.database(), TEMPLATES, CLUSTERS).await?;
    let list = server.scratch("ids");
    std::fs::write(&list, ids.join("\n")).context("writing down the clusters' ids")?;
    server.run().await?;
    let token = token(server).await?;
    let (mut cores, mut memory) = (Samples::default(), Samples::default());
    for kind in &KINDS {
        let script = server.scratch("load.lua");
        std::fs::write(&script, lua(kind, &list, &token)).context("writing the script of the load")?;
        let (mut rate, mut p99) = (Samples::default(), Samples::default());
        wrk(server, kind, &script, WARM_UP_SECONDS).await?;
        for _ in 0..settings.runs {
            let found = wrk(server, kind, &script, SECONDS).await?;
            if found.bad > 0.0 {
                bail!("{} of {} answers to {} were not 200", found.bad, found.requests, kind.what);
            }
            rate.add(found.requests / found.seconds);
            p99.add(found.p99);
            cores.add(found.cores);
            memory.add(found.memory);
        }
        let what = format!("{}, {} at a time", kind.what, kind.connections);
        report.rate(&format!("{what}, answers a second"), kind.rate, &rate);
        report.median(&format!("{what}, p99"), Unit::Millis, kind.p99, &p99);
    }
    report.median("processors that the load generator used", Unit::Cores, None, &cores);
    report.median("memory of the server under that load", Unit::Megabytes, Some(100.0), &memory);
    Ok(())
}

/// Creates the cluster that is copied.
async fn make_one(client: &Client) -> anyhow::Result<()> {
    let body = ClusterCreate {
        name: Some("bench".to_owned()),
        cluster_template_id: "kubernetes".to_owned(),
        master_count: Some(1),
        node_count: Some(2),
        ..ClusterCreate::default()
    };
    let cluster = client.create_cluster(&body).await?.cluster;
    let begin = Instant::now();
    while client.cluster(&cluster).await?.status != "CREATE_COMPLETE" {
        if begin.elapsed() > MADE {
            bail!("cluster {cluster} is not complete {} s after its POST", MADE.as_secs());
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

/// Logs in and returns a token.
async fn token(server: &Server) -> anyhow::Result<String> {
    let client = server.client()?;
    let Credentials::Password { user: Named::Name { name, .. }, password } = &client.config().credentials else {
        bail!("clouds.yaml of the server has no user and password");
    };
    let body = serde_json::json!({"auth": {"identity": {"methods": ["password"], "password": {"user": {
        "name": name, "domain": {"id": "default"}, "password": password.expose_secret(),
    }}}}});
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().context("making an HTTP client")?;
    let answer = http.post(format!("{}/identity/v3/auth/tokens", server.url())).json(&body).send().await?;
    let token = answer.error_for_status()?.headers().get("x-subject-token").cloned().context("there is no token")?;
    Ok(token.to_str().context("reading the token")?.to_owned())
}

/// The script for wrk. It contains the token, so that the process list does not show it.
fn lua(kind: &Kind, ids: &Path, token: &str) -> String {
    let mut script = String::new();
    let _ = writeln!(script, "ids = {{}}\nfor id in io.lines('{}') do ids[#ids + 1] = id end", ids.display());
    let _ = writeln!(script, "wrk.headers['X-Auth-Token'] = '{token}'");
    let _ = writeln!(script, "wrk.headers['OpenStack-API-Version'] = 'container-infra latest'");
    let _ = writeln!(script, "function path() {} end", kind.path);
    script.push_str(
        "function request() return wrk.format('GET', path()) end\n\
         function done(summary, latency)\n\
         local e = summary.errors\n\
         io.write(string.format('FOUND %d %f %f %d\\n', summary.requests, summary.duration / 1e6,\n\
         latency:percentile(99.0) / 1e3, e.status + e.connect + e.read + e.write + e.timeout))\n\
         end\n",
    );
    script
}

/// One run of wrk, sampling the server's memory meanwhile.
async fn wrk(server: &Server, kind: &Kind, script: &Path, seconds: u64) -> anyhow::Result<Found> {
    let mut command = Command::new("wrk");
    command
        .args(["--threads", "1", "--connections", &kind.connections.to_string()])
        .args(["--duration", &format!("{seconds}s"), "--script"])
        .arg(script)
        .arg(server.url());
    let before = machine::time_of_children()?;
    let is_done = Arc::new(AtomicBool::new(false));
    let done = Arc::clone(&is_done);
    let run = tokio::task::spawn_blocking(move || {
        let output = command.output().context("running wrk: install it with scripts/install-tools bench");
        done.store(true, Ordering::Release);
        output
    });
    let mut memory: f64 = 0.0;
    while !is_done.load(Ordering::Acquire) {
        memory = memory.max(server.memory("VmRSS")?);
        tokio::time::sleep(LOOK).await;
    }
    let output = run.await.context("running wrk")??;
    let text = String::from_utf8_lossy(&output.stdout);
    let found = text.lines().find_map(|line| line.strip_prefix("FOUND "));
    let numbers: Vec<f64> = found.unwrap_or_default().split(' ').filter_map(|number| number.parse().ok()).collect();
    let [requests, seconds, p99, bad] = numbers[..] else {
        bail!("wrk failed: {text}{}", String::from_utf8_lossy(&output.stderr));
    };
    let cores = (machine::time_of_children()? - before).as_secs_f64() / seconds;
    Ok(Found { requests, seconds, p99, bad, cores, memory })
}
