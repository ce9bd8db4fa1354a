//! Work that takes time between reading and writing, where a lock cannot be held so long.

use super::Result;

/// How often such work is begun at most. Each time but the last somebody else got a change of the same thing through,
/// so it is only so often that a client must wait for others.
const MOST_TRIES: u32 = 10;

/// Does work that is built on what it reads: from the beginning once more, when what it has read was changed by somebody
/// else before it could write.
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
