//! The course of one fault: it is injected, its effect is verified below, it is reported, and there is a recovery.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use jeroboam_tests::{Living, Reply, Server, eventually};
use serde_json::Value;

use crate::fault::{Cause, Fault, Told, Where};

/// Timeout of every wait.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);
/// Timeout for the report once the fault is detectable below. The target is two seconds; the rest is for busy machines.
/// The page shows the measured time.
const SOON: Duration = Duration::from_secs(10);

/// The progress of one fault.
pub(crate) struct Trial<'a> {
    fault: &'a Fault,
    struck: Option<Instant>,
    known: Option<Instant>,
    told: Option<Instant>,
    is_over: bool,
    token: RefCell<Option<String>>,
}

/// How long it took until the fault was reported.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Measured {
    /// Since the injection.
    pub(crate) since_struck: Duration,
    /// Since the fault was detectable below.
    pub(crate) since_known: Duration,
}

impl<'a> Trial<'a> {
    pub(crate) const fn of(fault: &'a Fault) -> Self {
        Self { fault, struck: None, known: None, told: None, is_over: false, token: RefCell::new(None) }
    }

    /// Injects the fault.
    pub(crate) fn strike<T>(&mut self, deed: impl FnOnce() -> T) -> T {
        self.struck = Some(Instant::now());
        deed()
    }

    /// Waits for the effect of the fault below, from when it must be reported soon.
    pub(crate) fn shown(&mut self, what: &str, mut look: impl FnMut() -> bool) {
        assert!(self.struck.is_some(), "nothing was done yet");
        eventually(&format!("it has struck: {what}"), PATIENCE, || look().then_some(()));
        self.known = Some(Instant::now());
    }

    /// Waits until `look` finds the expected cause.
    pub(crate) fn told(&mut self, mut look: impl FnMut() -> Vec<Cause>) -> Told {
        let known = self.known.expect("it was shown that the fault has struck");
        let expected = self.fault.told;
        let patience = if self.fault.late.is_some() { PATIENCE } else { SOON };
        while self.told.is_none() {
            let last = look();
            let found = last.iter().find(|cause| cause.code == expected.code);
            self.told = found.map(|found| {
                assert_eq!((found.who.as_str(), found.passes), (expected.who, expected.passes), "{found:?}");
                Instant::now()
            });
            let is_in_time = self.told.is_some() || known.elapsed() < patience;
            assert!(is_in_time, "{} is not reported after {patience:?}, but {last:?}", expected.code);
            std::thread::sleep(Duration::from_millis(10));
        }
        expected
    }

    /// Waits until `bay why` reports it.
    pub(crate) fn told_by_why(&mut self, server: &Server) {
        self.expect(Where::Why);
        let token = self.token(server);
        self.told(|| {
            let why = server.call("GET", "/v1/clusters/c/why", &token, None).body;
            let problems = why["problems"].as_array().cloned().unwrap_or_default();
            problems.iter().filter_map(|problem| Cause::of(&problem["cause"])).collect()
        });
    }

    /// Waits until it is the cause of a cluster's newest operation, or of a step of it.
    pub(crate) fn told_by_operation(&mut self, server: &Server, cluster: &str) -> Told {
        self.expect(Where::Operation);
        let token = self.token(server);
        self.told(|| {
            let operation = newest_operation(server, &token, cluster);
            let steps = operation["steps"].as_array().cloned().unwrap_or_default();
            let of_steps = steps.iter().map(|step| &step["cause"]);
            [&operation["cause"]].into_iter().chain(of_steps).filter_map(Cause::of).collect()
        })
    }

    /// The fault is an invalid request, and the response reports it.
    pub(crate) fn told_by_refusal(&mut self, request: impl FnMut() -> Reply) -> Reply {
        let now = Instant::now();
        (self.struck, self.known) = (Some(now), Some(now));
        self.told_by_answer(request)
    }

    /// Waits until the response to a request reports it. The status determines who must act.
    pub(crate) fn told_by_answer(&mut self, mut request: impl FnMut() -> Reply) -> Reply {
        let Where::Answer(status) = self.fault.told.by else { panic!("is not reported by an answer") };
        let mut last = None;
        self.told(|| {
            let reply = request();
            let reason = reply.body["errors"][0]["reason"].as_str().unwrap_or_default();
            let code = if reply.status == status { reason.to_owned() } else { format!("{reason} ({})", reply.status) };
            let (who, passes) = who_must_act(reply.status);
            last = Some(reply);
            vec![Cause { code, who: who.to_owned(), passes }]
        });
        last.expect("it was asked")
    }

    /// The error message of a failed start reports it.
    pub(crate) fn told_at_start(&mut self, said: &str) {
        self.expect(Where::Start);
        let code = self.fault.told.code;
        assert!(said.contains(code), "'{code}' is missing in: {said}");
        assert!(said.contains(&format!("{} must act", self.fault.told.who)), "who must act is missing in: {said}");
        self.told = Some(Instant::now());
    }

    /// Waits until the cluster is healthy again, and checks that its data is still there.
    pub(crate) fn well_again(&mut self, living: &Living<'_>) {
        let token = self.token(living.server);
        until_well(living.server, &token);
        living.assert_precious("after the fault");
        self.over();
    }

    /// The recovery has succeeded.
    pub(crate) fn over(&mut self) {
        assert!(self.told.is_some(), "it was never reported");
        self.is_over = true;
    }

    /// The measurement of a fault after its recovery.
    pub(crate) fn measured(&self) -> Measured {
        assert!(self.is_over, "there was no recovery");
        let (Some(struck), Some(known), Some(told)) = (self.struck, self.known, self.told) else {
            panic!("it had no effect, or was not reported")
        };
        Measured { since_struck: told - struck, since_known: told.saturating_duration_since(known) }
    }

    fn expect(&self, by: Where) {
        assert_eq!(self.fault.told.by, by);
    }

    /// A token for this server.
    pub(crate) fn token(&self, server: &Server) -> String {
        self.token.borrow_mut().get_or_insert_with(|| server.token("jeroboam")).clone()
    }
}

/// The newest operation of a cluster, with its steps.
pub(crate) fn newest_operation(server: &Server, token: &str, cluster: &str) -> Value {
    let list = server.call("GET", &format!("/v1/operations?cluster={cluster}&limit=1"), token, None).body;
    let uuid = list["operations"][0]["uuid"].as_str().unwrap_or_default().to_owned();
    server.call("GET", &format!("/v1/operations/{uuid}"), token, None).body
}

/// Waits until nothing is wrong with the cluster `c`, all of its nodes are up, and no operation is in progress.
pub(crate) fn until_well(server: &Server, token: &str) {
    let get = |path: &str| server.call("GET", path, token, None).body;
    let mut said = String::new();
    let started = Instant::now();
    loop {
        let why = get("/v1/clusters/c/why");
        let is_well = why["summary"] == "nothing is wrong" && why["health_status"] == "HEALTHY";
        let operation = newest_operation(server, token, "c");
        let is_done = ["succeeded", "failed", "cancelled"].iter().any(|end| operation["status"] == **end);
        if is_well && is_done && all_up(&get("/v1/clusters/c/topology")) {
            println!("{:5.1} s until it is healthy again", started.elapsed().as_secs_f32());
            return;
        }
        let now = why["summary"].to_string();
        if now != said {
            println!("{:5.1} s: {now}", started.elapsed().as_secs_f32());
            said = now;
        }
        assert!(started.elapsed() < PATIENCE, "it is not healthy again: {why:#}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn all_up(topology: &Value) -> bool {
    let groups = topology["node_groups"].as_array().cloned().unwrap_or_default();
    let mut nodes = groups.iter().flat_map(|group| group["nodes"].as_array().unwrap());
    nodes.all(|node| {
        let mut components = node["components"].as_array().unwrap().iter();
        node["phase"] == "up" && components.all(|component| component["state"] == "up")
    })
}

/// Who must act on an error response, and whether a retry helps.
const fn who_must_act(status: u16) -> (&'static str, bool) {
    match status {
        // Quotas are set by the project's administrator.
        403 => ("project_admin", false),
        // 504: the requested command takes too long.
        400..500 | 504 => ("user", false),
        503 => ("cloud", true),
        _ => ("operator", false),
    }
}
