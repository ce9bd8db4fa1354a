//! Renewing certificates in the last third of their life: the agent's own, and those of the node's components.

use std::time::Duration;

use backon::{BackoffBuilder as _, ConstantBuilder};

use crate::fault::Fault;
use crate::home::Home;

/// Interval between checks of certificates: three to six hours, so that nodes that were created together do not renew
/// together. Short compared to a third of a certificate's life.
const PAUSES: ConstantBuilder =
    ConstantBuilder::new().with_delay(Duration::from_secs(3 * 3600)).without_max_times().with_jitter();

/// Checks certificates regularly, and returns once some were renewed. `ensure` renews those that are due and returns
/// whether there were any.
pub async fn renewed<F: Future<Output = Result<bool, Fault>>>(ensure: impl Fn() -> F) {
    for pause in PAUSES.build() {
        tokio::time::sleep(pause).await;
        match ensure().await {
            Ok(true) => return tracing::info!("certificates of components were renewed"),
            Ok(false) => {}
            // There is a third of their life left for retries.
            Err(fault) => tracing::warn!("renewing certificates: {fault}"),
        }
    }
}

/// Keeps the agent's own certificate valid.
pub async fn keep_own(home: &Home) {
    for pause in PAUSES.build() {
        match home.renew().await {
            Ok(true) => tracing::info!("the agent's certificate was renewed"),
            Ok(false) => {}
            Err(error) => tracing::warn!("{error:#}"),
        }
        tokio::time::sleep(pause).await;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::fault::Code;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn pauses_differ_and_are_neither_short_nor_long() {
        let pauses: Vec<Duration> = PAUSES.build().take(100).collect();
        assert!(pauses.iter().all(|pause| (3 * HOUR..=6 * HOUR).contains(pause)), "{pauses:?}");
        assert!(pauses.iter().any(|pause| *pause != pauses[0]), "{pauses:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn it_looks_on_after_trouble_until_something_was_renewed() {
        let looks = Cell::new(0);
        let ensure = || {
            looks.set(looks.get() + 1);
            let outcome = match looks.get() {
                1 => Err(Fault::passing(Code::CertificateRefused, "certificates", "the server is away")),
                2 => Ok(false),
                _ => Ok(true),
            };
            std::future::ready(outcome)
        };
        let began = tokio::time::Instant::now();
        renewed(ensure).await;
        assert_eq!(looks.get(), 3);
        assert!(began.elapsed() >= 9 * HOUR);
    }
}
