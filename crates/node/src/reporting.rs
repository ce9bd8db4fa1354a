//! Reporting the state of the node, and that its agent is alive.
//!
//! A change is reported soon. Between reports, heartbeats confirm that the last report still holds. They wait for
//! nothing else, so only an agent that is stopped, dead or disconnected misses them.

use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use jeroboam_types::agent::{HEARTBEAT_SECONDS, REPORT_SECONDS, Report};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};

use crate::board::Board;
use crate::home::{Home, HomeError};
use crate::tools::back_off;

/// Changes within this time are combined in one report.
const TOGETHER: Duration = Duration::from_millis(50);

/// A report is sent at this interval even without changes: a server whose database was restored has lost earlier ones.
const IN_ANY_CASE: Duration = Duration::from_secs(REPORT_SECONDS);

/// Interval of heartbeats.
const HEARTBEAT: Duration = Duration::from_secs(HEARTBEAT_SECONDS);

/// Back-off between failed reports.
const BACK_OFF: ExponentialBuilder = back_off(Duration::from_millis(200), Duration::from_millis(2500));

/// Back-off between failed heartbeats: with jitter never longer than [`HEARTBEAT`].
const BEAT_AGAIN: ExponentialBuilder =
    back_off(Duration::from_millis(200), Duration::from_millis(HEARTBEAT_SECONDS * 500));

/// Reports and sends heartbeats, forever.
pub async fn run(board: Arc<Board>, home: Home) {
    let (wanted, home) = (Notify::new(), &home);
    let report = |report: Report| async move { home.report(&report).await };
    tokio::join!(reports(&board, &wanted, report), heartbeats(&wanted, || home.heartbeat()));
}

/// Sends a report when something has changed, when one is requested, and at a regular interval.
async fn reports<F>(board: &Board, wanted: &Notify, send: impl Fn(Report) -> F)
where
    F: Future<Output = Result<(), HomeError>>,
{
    let mut states = board.subscribe();
    let mut sent = None;
    let mut due = Instant::now();
    loop {
        tokio::select! {
            changed = states.changed() => if changed.is_err() { return },
            () = wanted.notified() => sent = None,
            () = sleep_until(due) => sent = None,
        }
        sleep(TOGETHER).await;
        let now = states.borrow_and_update().report();
        if sent.as_ref() == Some(&now) {
            // It changed, and changed back.
            continue;
        }
        // A retry sends the current state, not that of the first attempt.
        let attempt = || async {
            let report = states.borrow().report();
            send(report.clone()).await.map(|()| report)
        };
        sent = attempt.retry(BACK_OFF).notify(|error, _| tracing::warn!("{error}")).await.ok();
        due = Instant::now() + IN_ANY_CASE;
    }
}

/// Sends heartbeats; notifies `wanted` when the server responds that it needs a report.
async fn heartbeats<F: Future<Output = Result<bool, HomeError>>>(wanted: &Notify, send: impl Fn() -> F) {
    loop {
        sleep(HEARTBEAT).await;
        // Failed reports are logged at a higher level.
        let sent = (&send).retry(BEAT_AGAIN).notify(|error, _| tracing::debug!("{error}"));
        if matches!(sent.await, Ok(false)) {
            wanted.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use jeroboam_types::agent::{Facts, NodePhase};
    use reqwest::StatusCode;

    use super::*;

    /// Received reports, and when.
    #[derive(Default)]
    struct Received(Mutex<Vec<(Instant, Report)>>);

    impl Received {
        fn take(&self) -> Vec<(Instant, Report)> {
            std::mem::take(&mut self.0.lock().unwrap())
        }
    }

    fn refusal() -> HomeError {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        HomeError::Refused { call: "reporting", status, text: "the database is busy".to_owned() }
    }

    /// Runs the reports for this time; the first `refused` of them are refused.
    async fn reporting(board: &Board, wanted: &Notify, received: &Received, refused: usize, time: Duration) {
        let attempts = Mutex::new(0);
        let send = |report| {
            let mut attempts = attempts.lock().unwrap();
            *attempts += 1;
            let is_refused = *attempts <= refused;
            if !is_refused {
                received.0.lock().unwrap().push((Instant::now(), report));
            }
            std::future::ready(if is_refused { Err(refusal()) } else { Ok(()) })
        };
        let _ = tokio::time::timeout(time, reports(board, wanted, send)).await;
        assert!(*attempts.lock().unwrap() > refused, "the fault has struck");
    }

    #[tokio::test(start_paused = true)]
    async fn changes_go_out_together_and_equal_states_once_in_a_while() {
        let (board, wanted, received) = (Board::new(Facts::default()), Notify::new(), Received::default());
        board.begin(1, &["dns"]);
        let changes = async {
            sleep(Duration::from_secs(1)).await;
            for _ in 0..100 {
                board.component("dns", |component| component.restarts += 1);
                sleep(Duration::from_millis(10)).await;
            }
            // A change and its reversal within one report.
            sleep(Duration::from_secs(1)).await;
            board.begin(2, &["dns"]);
            board.begin(1, &["dns"]);
        };
        let time = Duration::from_secs(9);
        tokio::join!(changes, reporting(&board, &wanted, &received, 0, time));
        let reports = received.take();
        let gaps: Vec<Duration> = reports.windows(2).map(|two| two[1].0 - two[0].0).collect();
        assert!(gaps.iter().all(|gap| *gap >= TOGETHER), "{gaps:?}");
        assert!((15..=25).contains(&reports.len()), "the first and those of a second: {}", reports.len());
        assert!(reports.windows(2).all(|two| two[0].1 != two[1].1), "equal states are not sent again");
        assert_eq!(reports.last().unwrap().1.components[0].restarts, 100, "the last state goes out");
    }

    #[tokio::test(start_paused = true)]
    async fn the_same_goes_out_again_in_any_case_and_at_once_when_it_is_wanted() {
        let (board, wanted, received) = (Board::new(Facts::default()), Notify::new(), Received::default());
        let begun = Instant::now();
        let want = async {
            sleep(Duration::from_secs(15)).await;
            wanted.notify_one();
        };
        tokio::join!(want, reporting(&board, &wanted, &received, 0, Duration::from_secs(20)));
        let times: Vec<u64> = received.take().iter().map(|(at, _)| (*at - begun).as_secs()).collect();
        assert_eq!(times, [0, 10, 15]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_report_that_fails_is_sent_again() {
        let (board, wanted, received) = (Board::new(Facts::default()), Notify::new(), Received::default());
        reporting(&board, &wanted, &received, 2, Duration::from_secs(2)).await;
        let reports = received.take();
        assert_eq!(reports.len(), 1);
        assert_eq!(reports[0].1.phase, NodePhase::Starting);
    }

    #[tokio::test(start_paused = true)]
    async fn heartbeats_come_in_time_again_soon_after_one_that_failed_and_ask_for_a_report() {
        let wanted = Notify::new();
        let begun = Instant::now();
        let beats = Mutex::new(Vec::new());
        let send = || {
            let mut beats = beats.lock().unwrap();
            beats.push((Instant::now() - begun).as_millis());
            std::future::ready(match beats.len() {
                2 => Err(refusal()),
                number => Ok(number != 4),
            })
        };
        let _ = tokio::time::timeout(Duration::from_secs(7), heartbeats(&wanted, send)).await;
        let beats: Vec<u128> = std::mem::take(&mut *beats.lock().unwrap());
        assert_eq!(beats[..2], [2000, 4000]);
        assert!((4200..=4400).contains(&beats[2]), "{beats:?}");
        assert_eq!(beats[3..], [beats[2] + 2000]);
        assert!(tokio::time::timeout(Duration::ZERO, wanted.notified()).await.is_ok(), "the fourth was answered so");
    }
}
