//! The progress of the server's deployment, as the server reported it. The server may restart with an older database
//! without noticing, so the highest value is saved on the node's disk and sent with every call.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jeroboam_types::agent::{KNOWN_HEADER, Known};
use reqwest::RequestBuilder;
use reqwest::header::HeaderMap;

use crate::files;

/// Keeps the highest value received. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Keeper {
    path: PathBuf,
    highest: Arc<Mutex<Option<Known>>>,
}

impl Keeper {
    /// Starts with the value that was saved in the agent's folder.
    pub(crate) fn at(folder: &Path) -> Self {
        let path = folder.join("known");
        let kept = std::fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok());
        Self { path, highest: Arc::new(Mutex::new(kept)) }
    }

    /// Adds the saved value to a call.
    pub(crate) fn add_to(&self, request: RequestBuilder) -> RequestBuilder {
        match &*self.highest.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(known) => request.header(KNOWN_HEADER, known.to_string()),
            None => request,
        }
    }

    /// Saves the value in a response, if it is higher than the saved one.
    pub(crate) fn keep(&self, answer: &HeaderMap) {
        let said = answer.get(KNOWN_HEADER).and_then(|value| value.to_str().ok()).map(str::parse::<Known>);
        let Some(Ok(said)) = said else { return };
        let mut highest = self.highest.lock().unwrap_or_else(PoisonError::into_inner);
        if highest.as_ref().is_some_and(|kept| !said.replaces(kept)) {
            return;
        }
        if let Err(error) = files::write_private(&self.path, &said.to_string()) {
            tracing::warn!("the progress of the server's deployment cannot be saved: {error}");
        }
        *highest = Some(said);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(KNOWN_HEADER, text.parse().unwrap());
        headers
    }

    /// The value that would be sent.
    fn sent(keeper: &Keeper) -> Option<String> {
        let client = reqwest::Client::builder().build().unwrap();
        let request = keeper.add_to(client.get("http://localhost")).build().unwrap();
        request.headers().get(KNOWN_HEADER).map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn the_highest_of_a_deployment_is_kept_over_restarts() {
        let folder = tempfile::tempdir().unwrap();
        let keeper = Keeper::at(folder.path());
        assert_eq!(sent(&keeper), None);
        keeper.keep(&HeaderMap::new());
        keeper.keep(&answer("no such thing at all"));
        assert_eq!(sent(&keeper), None);
        for (said, kept) in [("a 5 x", "a 5 x"), ("a 4 y", "a 5 x"), ("a 6 z", "a 6 z"), ("b 1 w", "b 1 w")] {
            keeper.keep(&answer(said));
            assert_eq!(sent(&keeper).as_deref(), Some(kept), "after {said}");
            assert_eq!(sent(&Keeper::at(folder.path())).as_deref(), Some(kept), "after a restart");
        }
    }
}
