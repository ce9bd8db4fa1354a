//! Injects faults one after the other, and reports all failures at the end.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use jeroboam_tests::{Living, Server};

use crate::fault::{Act, Fault, On};
use crate::trial::{Trial, until_well};
use crate::{measured, page};

/// Number of repairs after which a new cluster is created, because the pauses between repairs grow.
const REPAIRS: usize = 2;

/// Runs these faults, and panics with all failures.
pub(crate) fn run(faults: &[Fault]) {
    let mut runner = Runner::default();
    for on in [On::Kubernetes, On::Swarm, On::Docker, On::Simulated, On::Server] {
        let of_kind: Vec<&Fault> = faults.iter().filter(|fault| fault.on == on && is_asked_for(fault)).collect();
        let (living, own): (Vec<_>, Vec<_>) =
            of_kind.into_iter().partition(|fault| matches!(fault.act, Act::Living(_)));
        runner.run_on_living_clusters(on, &living);
        for fault in own {
            let Act::Own(act) = fault.act else { continue };
            runner.run_one(fault, act);
        }
    }
    let failures = runner.failures;
    assert!(failures.is_empty(), "{} of {} failed:\n{}", failures.len(), runner.count, failures.join("\n\n"));
}

/// Whether `FAULTS` is unset or names the fault.
fn is_asked_for(fault: &Fault) -> bool {
    std::env::var("FAULTS").map_or(true, |names| names.split(',').any(|name| name == fault.id))
}

#[derive(Default)]
struct Runner {
    count: usize,
    failures: Vec<String>,
}

impl Runner {
    fn run_on_living_clusters(&mut self, on: On, faults: &[&Fault]) {
        if faults.is_empty() {
            return;
        }
        let server = Server::start();
        let token = server.token("jeroboam");
        let mut cluster: Option<Living<'_>> = None;
        for fault in faults {
            let Act::Living(act) = fault.act else { continue };
            let living = cluster.take().filter(is_fresh).unwrap_or_else(|| {
                delete_clusters(&server);
                let living = Living::new(&server, on.name());
                until_well(&server, &token);
                living
            });
            if self.run_one(fault, |trial| act(trial, &living)) {
                cluster = Some(living).filter(|_| server.cli(&["bay", "show", "c"]).code == 0);
            } else {
                println!("{}\n{}", server.cli(&["bay", "why", "c"]).out, server.log_tail());
            }
        }
        delete_clusters(&server);
    }

    /// Runs one fault; returns whether it succeeded.
    fn run_one(&mut self, fault: &Fault, act: impl FnOnce(&mut Trial<'_>)) -> bool {
        println!("\n=== {}: {}", fault.key(), fault.what);
        self.count += 1;
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let mut trial = Trial::of(fault);
            act(&mut trial);
            trial.measured()
        }));
        match outcome {
            Ok(measured) => {
                println!("reported after {:?}, {:?} after detection", measured.since_struck, measured.since_known);
                if page::is_to_be_written() {
                    measured::keep(fault, measured);
                }
                true
            }
            Err(panic) => {
                self.failures.push(format!("{}: {}", fault.key(), words(panic.as_ref())));
                false
            }
        }
    }
}

fn is_fresh(living: &Living<'_>) -> bool {
    let operations = living.server.json(&["operation", "list", "--cluster", &living.uuid]);
    operations.as_array().unwrap().iter().filter(|operation| operation["kind"] == "repair").count() < REPAIRS
}

fn delete_clusters(server: &Server) {
    for cluster in server.json(&["bay", "list"]).as_array().unwrap() {
        let uuid = cluster["uuid"].as_str().unwrap();
        server.ok(&["bay", "delete", uuid, "--watch"]);
        assert_eq!(server.marked(uuid), Vec::<String>::new());
    }
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_else(|| "?".to_owned())
}
