//! Statuses of clusters and node groups, and which operation is legal in which (contract magnum-v1 section 7).

use serde::{Deserialize, Serialize};

use crate::OperationKind;

/// Status of a cluster or node group. Clients enumerate these words: never invent another.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, strum::Display, strum::EnumString, strum::EnumIter,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs)]
pub enum Status {
    CreateInProgress,
    CreateFailed,
    CreateComplete,
    UpdateInProgress,
    UpdateFailed,
    UpdateComplete,
    DeleteInProgress,
    DeleteFailed,
    DeleteComplete,
}

/// What a user can ask of a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::Display, strum::EnumIter)]
#[strum(serialize_all = "lowercase")]
pub enum Request {
    /// Another number of nodes, or other attributes.
    Update,
    /// Away with it.
    Delete,
    /// Once more what failed.
    Retry,
}

impl Status {
    /// The status of a cluster while an operation is at it.
    #[must_use]
    pub fn in_progress(kind: OperationKind) -> Self {
        match kind {
            OperationKind::Create => Self::CreateInProgress,
            OperationKind::Scale => Self::UpdateInProgress,
            OperationKind::Delete => Self::DeleteInProgress,
        }
    }

    /// The status of a cluster after an operation succeeded.
    #[must_use]
    pub fn complete(kind: OperationKind) -> Self {
        match kind {
            OperationKind::Create => Self::CreateComplete,
            OperationKind::Scale => Self::UpdateComplete,
            OperationKind::Delete => Self::DeleteComplete,
        }
    }

    /// The status of a cluster after an operation failed or was cancelled.
    #[must_use]
    pub fn failed(kind: OperationKind) -> Self {
        match kind {
            OperationKind::Create => Self::CreateFailed,
            OperationKind::Scale => Self::UpdateFailed,
            OperationKind::Delete => Self::DeleteFailed,
        }
    }

    /// Whether something is being done.
    #[must_use]
    pub fn is_in_progress(self) -> bool {
        matches!(self, Self::CreateInProgress | Self::UpdateInProgress | Self::DeleteInProgress)
    }

    /// Whether the last operation failed.
    #[must_use]
    pub fn is_failed(self) -> bool {
        matches!(self, Self::CreateFailed | Self::UpdateFailed | Self::DeleteFailed)
    }

    /// Whether a request is legal in this status (contract magnum-v1 section 7.3, and our rule that there is no dead
    /// end: delete always is, retry is after every failure).
    #[must_use]
    pub fn allows(self, request: Request) -> bool {
        match request {
            Request::Delete => true,
            Request::Retry => self.is_failed(),
            Request::Update => matches!(
                self,
                // Repeated resizes while one is under way must stay possible: the autoscaler sends several in a row.
                Self::CreateComplete | Self::UpdateComplete | Self::UpdateInProgress | Self::UpdateFailed
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator;

    use super::*;

    #[test]
    fn there_is_no_dead_end() {
        for status in Status::iter() {
            assert!(Request::iter().any(|request| status.allows(request)), "{status} allows nothing");
        }
    }

    #[test]
    fn every_operation_ends_in_a_status_of_its_own_kind() {
        for kind in [OperationKind::Create, OperationKind::Scale, OperationKind::Delete] {
            assert!(Status::in_progress(kind).is_in_progress());
            assert!(Status::failed(kind).is_failed());
            assert!(Status::failed(kind).allows(Request::Retry), "{kind} cannot be retried");
            assert!(!Status::complete(kind).is_in_progress() && !Status::complete(kind).is_failed());
        }
    }

    #[test]
    fn words_are_magnums() {
        assert_eq!(Status::CreateInProgress.to_string(), "CREATE_IN_PROGRESS");
        assert_eq!("DELETE_FAILED".parse::<Status>().unwrap(), Status::DeleteFailed);
    }
}
