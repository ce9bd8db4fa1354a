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
    /// Another template.
    Upgrade,
    /// New certificate authorities.
    #[strum(serialize = "rotation of authorities")]
    RotateCa,
    /// Another node group.
    #[strum(serialize = "another node group")]
    NodeGroup,
    /// What is missing or broken of it brought back.
    Repair,
}

impl Status {
    /// The status of a cluster while an operation is at it; `None`: as it was, for a repair is no change.
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

    /// The status of a cluster after an operation succeeded; `None`: as it was, for a repair is no change.
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

    /// The status of a cluster after an operation failed or was cancelled; `None`: as it was, for a repair is no change.
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

    /// The status of a node group once all that is wanted of its cluster is there, whatever came before: a group that
    /// failed earlier is complete then too.
    #[must_use]
    pub fn succeeded(self) -> Self {
        match self {
            Self::CreateInProgress | Self::CreateFailed | Self::CreateComplete => Self::CreateComplete,
            Self::UpdateInProgress | Self::UpdateFailed | Self::UpdateComplete => Self::UpdateComplete,
            Self::DeleteInProgress | Self::DeleteFailed | Self::DeleteComplete => Self::DeleteComplete,
        }
    }

    /// The status of a node group when what was being done to it is given up.
    #[must_use]
    pub fn given_up(self) -> Self {
        match self {
            Self::CreateInProgress => Self::CreateFailed,
            Self::UpdateInProgress => Self::UpdateFailed,
            Self::DeleteInProgress => Self::DeleteFailed,
            other => other,
        }
    }

    /// The status of a node group when what failed is tried once more.
    #[must_use]
    pub fn tried_again(self) -> Self {
        match self {
            Self::CreateFailed => Self::CreateInProgress,
            Self::UpdateFailed => Self::UpdateInProgress,
            Self::DeleteFailed => Self::DeleteInProgress,
            other => other,
        }
    }

    /// Whether nothing is being done and nothing failed: COMPLETE8 of contract magnum-v1 section 7.3, as far as we
    /// have them.
    #[must_use]
    pub fn is_complete(self) -> bool {
        matches!(self, Self::CreateComplete | Self::UpdateComplete)
    }

    /// Whether it is on its way out, or got stuck there.
    #[must_use]
    pub fn is_leaving(self) -> bool {
        matches!(self, Self::DeleteInProgress | Self::DeleteFailed | Self::DeleteComplete)
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
            Request::Upgrade | Request::RotateCa => self.is_complete(),
            // Not while it is being made, nor on its way out: deleting wins.
            Request::NodeGroup => {
                matches!(
                    self,
                    Self::CreateComplete | Self::UpdateComplete | Self::UpdateInProgress | Self::UpdateFailed
                )
            }
            // What never was complete, or failed to go, is brought forward by retry.
            Request::Repair => matches!(self, Self::CreateComplete | Self::UpdateComplete | Self::UpdateFailed),
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
