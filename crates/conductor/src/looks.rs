//! Schedules the checks of running clusters: whenever something is reported of one, and all of them periodically,
//! since wake-ups may be lost.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::{Stream, StreamExt};
use jeroboam_infra::Change;
use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::warn;
use uuid::Uuid;

use crate::{Conductor, health};

/// Reports of a cluster within this time lead to one check.
const SETTLE: Duration = Duration::from_millis(300);
/// Delay of a check while another one of the same cluster runs.
const LOOK_OPEN: Duration = Duration::from_secs(1);
/// Clusters that are checked concurrently: each check may wait for a timeout.
const SIDE_BY_SIDE: usize = 16;

/// Clusters that are due for a check.
#[derive(Debug, Default)]
pub(crate) struct Looks {
    due: Mutex<Due>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Due {
    in_order: BTreeSet<(Instant, Uuid)>,
    at: HashMap<Uuid, Instant>,
    /// Clusters whose check is running.
    open: HashSet<Uuid>,
}

impl Looks {
    /// Something was reported of the cluster: checks it soon.
    pub(crate) fn ask(&self, cluster: Uuid) {
        self.ask_in(cluster, SETTLE);
    }

    /// Checks the cluster after this time, unless a check is due earlier.
    pub(crate) fn ask_in(&self, cluster: Uuid, pause: Duration) {
        let at = Instant::now() + pause;
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        if due.at.get(&cluster).is_some_and(|known| *known <= at) {
            return;
        }
        if let Some(later) = due.at.insert(cluster, at) {
            due.in_order.remove(&(later, cluster));
        }
        due.in_order.insert((at, cluster));
        self.changed.notify_one();
    }

    /// Starts a check, unless one of the same cluster is running: then another follows once that has finished.
    fn begin(&self, cluster: Uuid) -> bool {
        let is_first = self.due.lock().unwrap_or_else(PoisonError::into_inner).open.insert(cluster);
        if !is_first {
            self.ask_in(cluster, LOOK_OPEN);
        }
        is_first
    }

    fn end(&self, cluster: Uuid) {
        self.due.lock().unwrap_or_else(PoisonError::into_inner).open.remove(&cluster);
    }

    /// The next cluster that is due.
    async fn next(&self) -> Uuid {
        loop {
            let first = self.first();
            match first {
                Some((at, cluster)) if at <= Instant::now() => {
                    let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
                    if due.in_order.remove(&(at, cluster)) {
                        due.at.remove(&cluster);
                        return cluster;
                    }
                }
                Some((at, _)) => {
                    tokio::select! {
                        () = tokio::time::sleep_until(at) => {}
                        () = self.changed.notified() => {}
                    }
                }
                None => self.changed.notified().await,
            }
        }
    }

    fn first(&self) -> Option<(Instant, Uuid)> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner).in_order.first().copied()
    }

    fn in_turn(&self) -> impl Stream<Item = Uuid> {
        futures::stream::unfold(self, |looks| async move { Some((looks.next().await, looks)) })
    }
}

/// Checks clusters until `shutdown`.
pub(crate) async fn watch(conductor: Arc<Conductor>, shutdown: CancellationToken) {
    let eyes = health::Eyes::default();
    let look = conductor.looks.in_turn().for_each_concurrent(SIDE_BY_SIDE, |cluster| {
        let (conductor, eyes) = (&conductor, &eyes);
        async move {
            if !conductor.looks.begin(cluster) {
                return;
            }
            let pause = health::look_at(conductor, eyes, cluster).await;
            conductor.looks.end(cluster);
            if let Some(pause) = pause {
                conductor.looks.ask_in(cluster, pause);
            }
        }
    });
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = look => {}
        () = hear_the_store(&conductor) => {}
        () = hear_the_infrastructure(&conductor) => {}
        () = ask_for_all_now_and_then(&conductor) => {}
    }
}

/// Schedules checks on agents' reports and changes of clusters. A running operation watches its cluster itself.
async fn hear_the_store(conductor: &Conductor) {
    let mut events = conductor.store.subscribe();
    loop {
        match events.recv().await {
            Ok(event) if event.operation.is_some() || conductor.bells.is_heard(event.cluster) => {}
            Ok(event) => conductor.looks.ask(event.cluster),
            Err(RecvError::Lagged(_)) => ask_for_all(conductor).await,
            // The store is closed, which happens only at the end of the process.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

async fn hear_the_infrastructure(conductor: &Conductor) {
    let mut changes = conductor.infra.changes();
    while let Some(change) = changes.next().await {
        match change {
            Change::Of(cluster) if conductor.bells.machines_changed(cluster) => {}
            Change::Of(cluster) => conductor.looks.ask(cluster),
            Change::Any => ask_for_all(conductor).await,
        }
    }
    // An infrastructure without events: the periodic checks have to suffice.
    std::future::pending().await
}

async fn ask_for_all_now_and_then(conductor: &Conductor) {
    loop {
        ask_for_all(conductor).await;
        tokio::time::sleep(conductor.settings.health_interval).await;
    }
}

async fn ask_for_all(conductor: &Conductor) {
    match conductor.store.running_clusters().await {
        Ok(clusters) => clusters.into_iter().for_each(|cluster| conductor.looks.ask(cluster)),
        Err(problem) => warn!(%problem, "reading which clusters to check"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_heard_soon_after_another_leads_to_one_look_at_the_earlier_time() {
        let looks = Looks::default();
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let begin = Instant::now();
        looks.ask_in(one, Duration::from_secs(60));
        looks.ask(other);
        looks.ask(one);
        looks.ask_in(one, Duration::from_secs(90));
        let mut seen = [looks.next().await, looks.next().await];
        seen.sort_unstable();
        assert_eq!(seen, [one, other]);
        assert_eq!(begin.elapsed(), SETTLE);
        assert_eq!(looks.first(), None);
    }
}
