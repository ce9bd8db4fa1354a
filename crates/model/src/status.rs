//! Statuses of clusters and node groups, and the requests allowed in each (contract magnum-v1 section 7).

use serde::{Deserialize, Serialize};

use crate::OperationKind;

/// Status of a cluster or node group. Clients rely on these values: never add another one.
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

/// A request of a user about a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::Display, strum::EnumIter)]
#[strum(serialize_all = "lowercase")]
pub enum Request {
    /// Change the number of nodes or other attributes.
    Update,
    /// Delete the cluster.
    Delete,
    /// Retry the operation that failed.
    Retry,
    /// Move to another template.
    Upgrade,
    /// Replace the certificate authorities.
    #[strum(serialize = "rotation of authorities")]
    RotateCa,
    /// Create a node group.
    #[strum(serialize = "another node group")]
    NodeGroup,
    /// Repair missing or broken parts.
    Repair,
}

impl Status {
    /// The status of a cluster during an operation; `None`: unchanged, as a repair is no change.
    #[must_use]
    pub fn in_progress(kind: OperationKind) -> Option<Self> {
        Some(match kind {
            OperationKind::Create => Self::CreateInProgress,
            OperationKind::Scale | OperationKind::Update | OperationKind::Upgrade | OperationKind::RotateCa => {
                Self::UpdateInProgress
            }
            OperationKind::Delete => Self::DeleteInProgress,
            OperationKind::Repair => return None,
        })
    }

    /// The status of a cluster after an operation succeeded; `None`: unchanged, as a repair is no change.
    #[must_use]
    pub fn complete(kind: OperationKind) -> Option<Self> {
        Some(match kind {
            OperationKind::Create => Self::CreateComplete,
            OperationKind::Scale | OperationKind::Update | OperationKind::Upgrade | OperationKind::RotateCa => {
                Self::UpdateComplete
            }
            OperationKind::Delete => Self::DeleteComplete,
            OperationKind::Repair => return None,
        })
    }

    /// The status of a cluster after an operation failed or was cancelled; `None`: unchanged, as a repair is no change.
    #[must_use]
    pub fn failed(kind: OperationKind) -> Option<Self> {
        Some(match kind {
            OperationKind::Create => Self::CreateFailed,
            OperationKind::Scale | OperationKind::Update | OperationKind::Upgrade | OperationKind::RotateCa => {
                Self::UpdateFailed
            }
            OperationKind::Delete => Self::DeleteFailed,
            OperationKind::Repair => return None,
        })
    }

    /// The status of a node group once its cluster has reached the target state, whatever its status was before: a
    /// group that failed earlier is then complete as well.
    #[must_use]
    pub fn succeeded(self) -> Self {
        match self {
            Self::CreateInProgress | Self::CreateFailed | Self::CreateComplete => Self::CreateComplete,
            Self::UpdateInProgress | Self::UpdateFailed | Self::UpdateComplete => Self::UpdateComplete,
            Self::DeleteInProgress | Self::DeleteFailed | Self::DeleteComplete => Self::DeleteComplete,
        }
    }

    /// The status of a node group when its change is given up.
    #[must_use]
    pub fn given_up(self) -> Self {
        match self {
            Self::CreateInProgress => Self::CreateFailed,
            Self::UpdateInProgress => Self::UpdateFailed,
            Self::DeleteInProgress => Self::DeleteFailed,
            other => other,
        }
    }

    /// The status of a node group when its failed change is retried.
    #[must_use]
    pub fn tried_again(self) -> Self {
        match self {
            Self::CreateFailed => Self::CreateInProgress,
            Self::UpdateFailed => Self::UpdateInProgress,
            Self::DeleteFailed => Self::DeleteInProgress,
            other => other,
        }
    }

    /// Whether no operation is in progress and none failed: COMPLETE8 of contract magnum-v1 section 7.3, as far as
    /// Jeroboam has these statuses.
    #[must_use]
    pub fn is_complete(self) -> bool {
        matches!(self, Self::CreateComplete | Self::UpdateComplete)
    }

    /// Whether it is being deleted, or its deletion failed.
    #[must_use]
    pub fn is_leaving(self) -> bool {
        matches!(self, Self::DeleteInProgress | Self::DeleteFailed | Self::DeleteComplete)
    }

    /// Whether an operation is in progress.
    #[must_use]
    pub fn is_in_progress(self) -> bool {
        matches!(self, Self::CreateInProgress | Self::UpdateInProgress | Self::DeleteInProgress)
    }

    /// Whether the last operation failed.
    #[must_use]
    pub fn is_failed(self) -> bool {
        matches!(self, Self::CreateFailed | Self::UpdateFailed | Self::DeleteFailed)
    }

    /// Whether a request is allowed in this status (contract magnum-v1 section 7.3; additionally, delete is always
    /// allowed and retry after every failure, so that no status is a dead end).
    #[must_use]
    pub fn allows(self, request: Request) -> bool {
        match request {
            Request::Delete => true,
            Request::Retry => self.is_failed(),
            Request::Upgrade | Request::RotateCa => self.is_complete(),
            // Not while it is being created or deleted.
            Request::NodeGroup => {
                matches!(
                    self,
                    Self::CreateComplete | Self::UpdateComplete | Self::UpdateInProgress | Self::UpdateFailed
                )
            }
            // A cluster that was never complete, or whose deletion failed, needs a retry instead.
            Request::Repair => matches!(self, Self::CreateComplete | Self::UpdateComplete | Self::UpdateFailed),
            Request::Update => matches!(
                self,
                // Repeated resizes must be possible while one is in progress: the autoscaler sends several in a row.
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
        for kind in OperationKind::iter().filter(|kind| *kind != OperationKind::Repair) {
            let failed = Status::failed(kind).unwrap();
            let complete = Status::complete(kind).unwrap();
            assert!(Status::in_progress(kind).unwrap().is_in_progress());
            assert!(failed.is_failed());
            assert!(failed.allows(Request::Retry), "{kind} cannot be retried");
            assert!(!complete.is_in_progress() && !complete.is_failed());
        }
    }

    #[test]
    fn a_repair_leaves_the_status_alone() {
        let of = [Status::in_progress, Status::complete, Status::failed].map(|status| status(OperationKind::Repair));
        assert_eq!(of, [None; 3]);
    }

    #[test]
    fn a_groups_status_keeps_its_word_to_the_end() {
        for status in Status::iter() {
            let word = |status: Status| status.to_string().split('_').next().map(str::to_owned);
            for after in [status.succeeded(), status.given_up(), status.tried_again()] {
                assert_eq!(word(after), word(status));
            }
            assert!(!status.given_up().is_in_progress() && !status.succeeded().is_in_progress());
            assert!(!status.tried_again().is_failed());
        }
    }

    #[test]
    fn words_are_magnums() {
        assert_eq!(Status::CreateInProgress.to_string(), "CREATE_IN_PROGRESS");
        assert_eq!("DELETE_FAILED".parse::<Status>().unwrap(), Status::DeleteFailed);
    }
}
