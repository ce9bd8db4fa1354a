//! Requesting new certificate authorities.

use jeroboam_model::OperationKind;
use jeroboam_model::status::Request;
use jeroboam_types::operation::Operation;
use jiff::Timestamp;

use super::NewOperation;
use super::node_group::begin;
use super::request::allow;
use crate::{ClusterId, Event, NewAuthority, Result, Store, cluster};

impl Store {
    /// Replaces a cluster's authorities with `authorities`. The old ones are deleted at once, and the operation moves
    /// all nodes to the new ones.
    ///
    /// # Errors
    /// [`NotAllowed`](crate::StoreError::NotAllowed) unless the cluster is complete,
    /// [`NotFound`](crate::StoreError::NotFound) for the cluster or one of the authorities; nothing is changed then.
    pub async fn request_ca_rotation(
        &self,
        cluster: ClusterId,
        authorities: &[NewAuthority],
        operation: NewOperation,
    ) -> Result<Operation> {
        let cluster = cluster.uuid();
        let now = Timestamp::now();
        let operation = &operation;
        self.write(|transaction| async move {
            let row = cluster::lock(&transaction, cluster).await?;
            allow(&row.status, Request::RotateCa)?;
            self.replace_authorities(&transaction, cluster, authorities, now).await?;
            let operation = begin(&transaction, &row, OperationKind::RotateCa, operation.clone(), now).await?;
            self.commit(transaction, "rotating a cluster's authorities").await?;
            self.publish(Event::operation(cluster, operation.uuid));
            Ok(operation)
        })
        .await
    }
}
