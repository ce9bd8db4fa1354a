//! Writes what an infrastructure reports into the steps of an operation.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use jeroboam_infra::progress::Report;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use uuid::Uuid;

use crate::run::Run;

/// How often reports are written: what passes faster than this needs no reader.
const WRITE: Duration = Duration::from_millis(500);

impl Run<'_> {
    /// Does work, and meanwhile writes its latest reports into the steps that they are about. `key` names the step of a
    /// node's machine, or that of the network.
    pub(crate) async fn followed<T>(
        &self,
        work: impl Future<Output = T>,
        mut reports: UnboundedReceiver<Report>,
        key: impl Fn(Option<Uuid>) -> Option<String>,
    ) -> T {
        // Side by side with the work: that may be in the middle of a transaction, on the connection that this waits for.
        tokio::select! {
            biased;
            done = work => done,
            never = self.write_reports(&mut reports, key) => match never {},
        }
    }

    async fn write_reports(
        &self,
        reports: &mut UnboundedReceiver<Report>,
        key: impl Fn(Option<Uuid>) -> Option<String>,
    ) -> Infallible {
        let mut unwritten = BTreeMap::new();
        let mut write = interval_at(Instant::now() + WRITE, WRITE);
        write.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                Some(report) = reports.recv() => {
                    if let Some(key) = key(report.node) {
                        self.reported(&key, &report.text);
                        unwritten.insert(key, report.text);
                    }
                }
                _ = write.tick() => {
                    for (key, text) in std::mem::take(&mut unwritten) {
                        if self.is_open(&key) {
                            self.note(self.held.step_progress(&key, &text).await);
                        }
                    }
                }
            }
        }
    }
}
