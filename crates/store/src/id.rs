//! Ids that only a look-up returns.

use std::fmt;

use uuid::Uuid;

/// The id of a cluster that was looked up within a [`Scope`](crate::Scope). Every call that does something to a cluster
/// on behalf of a user requires one. An id taken from a request is not one, and cannot be converted to one:
///
/// ```
/// # use jeroboam_store::{NewOperation, Scope, Store, StoreError};
/// # async fn delete(store: &Store, project: String, asked: &str, operation: NewOperation) -> Result<(), StoreError> {
/// let cluster = store.cluster(&Scope::Project(project), asked).await?;
/// store.request_delete(cluster.id(), operation).await?;
/// # Ok(())
/// # }
/// ```
///
/// ```compile_fail
/// # use jeroboam_store::{NewOperation, Scope, Store, StoreError};
/// # async fn delete(store: &Store, asked: uuid::Uuid, operation: NewOperation) -> Result<(), StoreError> {
/// store.request_delete(asked, operation).await?;
/// # Ok(())
/// # }
/// ```
///
/// ```compile_fail
/// # use jeroboam_store::{ClusterId, NewOperation, Scope, Store, StoreError};
/// # async fn delete(store: &Store, asked: uuid::Uuid, operation: NewOperation) -> Result<(), StoreError> {
/// store.request_delete(ClusterId(asked), operation).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClusterId(Uuid);

impl ClusterId {
    /// The id of a row that was found.
    pub(crate) fn of(found: Uuid) -> Self {
        Self(found)
    }

    /// For tests, which skip the look-up.
    #[cfg(any(test, feature = "fixtures"))]
    #[must_use]
    pub fn assumed(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The public id of the cluster.
    #[must_use]
    pub fn uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The owner of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// The deployment as a whole.
    Deployment,
    /// A cluster.
    Cluster(ClusterId),
}

impl Owner {
    /// The owner's id as stored.
    pub(crate) fn uuid(self) -> Uuid {
        match self {
            Self::Deployment => Uuid::nil(),
            Self::Cluster(id) => id.uuid(),
        }
    }
}

impl From<ClusterId> for Owner {
    fn from(id: ClusterId) -> Self {
        Self::Cluster(id)
    }
}
