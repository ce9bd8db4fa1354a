//! Optimistic retries for work that takes too long between reading and writing to hold a lock.

use super::Result;

/// Most attempts. Each one but the last fails because somebody else changed the same resource concurrently.
const MOST_TRIES: u32 = 10;

/// Runs work that depends on what it reads. Runs it again from the start when somebody else changed what it has read
/// before it could write.
pub(crate) async fn again<T, F: Future<Output = Result<T>>>(work: impl Fn() -> F) -> Result<T> {
    for _ in 1..MOST_TRIES {
        match work().await {
            Err(error) if error.is_overtaken() => {}
            done => return done,
        }
    }
    work().await
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use jeroboam_store::StoreError;

    use super::*;
    use crate::http::ApiError;

    #[tokio::test]
    async fn work_is_begun_anew_when_overtaken_but_not_for_ever() {
        let tries = Cell::new(0);
        let overtaken = |times: u32| {
            tries.set(0);
            let tries = &tries;
            again(move || async move {
                tries.set(tries.get() + 1);
                if tries.get() > times { Ok(tries.get()) } else { Err(StoreError::Overtaken { what: "thing" }.into()) }
            })
        };
        assert_eq!(overtaken(0).await.unwrap(), 1);
        assert_eq!(overtaken(MOST_TRIES - 1).await.unwrap(), MOST_TRIES);
        let error = overtaken(MOST_TRIES).await.unwrap_err();
        assert_eq!((error.status.as_u16(), tries.get()), (409, MOST_TRIES));
        assert!(error.is_overtaken());
        let refused: Result<()> = again(|| async { Err(ApiError::body("no")) }).await;
        assert!(!refused.unwrap_err().is_overtaken());
    }
}
