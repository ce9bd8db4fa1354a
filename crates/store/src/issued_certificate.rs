//! Certificates signed for users: a record of who has which certificate of which cluster, for audits.

use jiff::Timestamp;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::entity::issued_certificate;
use crate::error::Doing;
use crate::page::{Columns, cut};
use crate::{ClusterId, Page, Result, Store, StoreError, codec, notification};

/// A certificate that was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedCertificate {
    /// The cluster whose authority signed it. It may be deleted.
    pub cluster: ClusterId,
    /// Name of the authority.
    pub authority: String,
    /// Its serial number, hexadecimal.
    pub serial: String,
    /// Its subject, human-readable.
    pub subject: String,
    /// User who requested it.
    pub user_id: String,
    /// Id of the request.
    pub request_id: String,
    /// When it was signed.
    pub created_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
}

impl Store {
    /// Records a certificate before it is returned to the user, with its notification.
    ///
    /// # Errors
    /// On a database error.
    pub async fn record_certificate(&self, issued: &IssuedCertificate) -> Result<()> {
        self.write(|transaction| async move {
            issued_certificate::Entity::insert(issued_certificate::ActiveModel {
                id: NotSet,
                cluster_uuid: Set(issued.cluster.to_string()),
                authority: Set(issued.authority.clone()),
                serial: Set(issued.serial.clone()),
                subject: Set(Some(issued.subject.clone())),
                user_id: Set(issued.user_id.clone()),
                request_id: Set(issued.request_id.clone()),
                created_at: Set(codec::micros(issued.created_at)),
                expires_at: Set(codec::micros(issued.expires_at)),
            })
            .exec_without_returning(&transaction)
            .await
            .doing("recording a certificate")?;
            notification::note_certificate(&transaction, issued).await?;
            self.commit(transaction, "recording a certificate").await
        })
        .await
    }

    /// Certificates signed for users of a cluster, also after the cluster was deleted. Markers are serial numbers.
    ///
    /// # Errors
    /// [`StoreError::BadSortKey`], [`StoreError::NotFound`] for the marker.
    pub async fn issued_certificates(&self, cluster: ClusterId, page: &Page<String>) -> Result<Vec<IssuedCertificate>> {
        let cluster = cluster.uuid();
        use issued_certificate::Column as C;
        let by = match page.sort_key.as_deref() {
            None | Some("" | "id") => None,
            Some("serial") => Some(C::Serial),
            Some("subject") => Some(C::Subject),
            Some("user_id") => Some(C::UserId),
            Some("created_at") => Some(C::CreatedAt),
            Some("expires_at") => Some(C::ExpiresAt),
            Some(other) => return Err(StoreError::BadSortKey(other.to_owned())),
        };
        let visible = issued_certificate::Entity::find().filter(C::ClusterUuid.eq(cluster.to_string()));
        cut(self.reader(), visible, Columns { id: C::Id, uuid: C::Serial, by }, page, "certificate")
            .await?
            .all(self.reader())
            .await
            .doing("listing certificates")?
            .into_iter()
            .map(TryInto::try_into)
            .collect()
    }
}

impl TryFrom<issued_certificate::Model> for IssuedCertificate {
    type Error = StoreError;

    fn try_from(row: issued_certificate::Model) -> Result<Self> {
        Ok(Self {
            cluster: ClusterId::of(codec::uuid(&row.cluster_uuid)?),
            authority: row.authority,
            serial: row.serial,
            subject: row.subject.unwrap_or_default(),
            user_id: row.user_id,
            request_id: row.request_id,
            created_at: codec::time(row.created_at)?,
            expires_at: codec::time(row.expires_at)?,
        })
    }
}
