//! Cluster templates. A project sees its own, and those of other projects that are public and not hidden (contract
//! magnum-v1 section 5.3).

use std::collections::{BTreeMap, BTreeSet};

use jeroboam_model::{Cluster, ClusterTemplate, Labels};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect, QueryTrait, Select,
};
use uuid::Uuid;

use crate::codec;
use crate::counter::{self, Counter};
use crate::entity::{cluster, cluster_template};
use crate::error::{Doing, classify, is_dangling, is_duplicate};
use crate::rows::{self, Thing};
use crate::{Page, Result, Scope, Store, StoreError, idempotency, precondition};

const WHAT: &str = "cluster template";

impl Store {
    /// Inserts a new template.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when its uuid is taken.
    pub async fn create_template(&self, template: &ClusterTemplate) -> Result<()> {
        self.write(|transaction| async move {
            idempotency::makes(&transaction, template.uuid).await?;
            counter::increase(&transaction, Counter::ClusterTemplates).await?;
            cluster_template::Entity::insert(row(template)?).exec_without_returning(&transaction).await.map_err(
                |error| {
                    if is_duplicate(&error) {
                        StoreError::Conflict(format!(
                            "There is a cluster template with uuid {} already.",
                            template.uuid
                        ))
                    } else {
                        classify("creating a cluster template", &error)
                    }
                },
            )?;
            self.commit(transaction, "creating a cluster template").await
        })
        .await
    }

    /// The template with this id or name.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] or [`StoreError::Ambiguous`] among those visible.
    pub async fn template(&self, scope: &Scope, ident: &str) -> Result<ClusterTemplate> {
        find(self.reader(), scope, ident).await
    }

    /// The template with this id or name. By id also a template that the project can no longer see but has a cluster
    /// of: whoever uses a cluster must be able to read its template (contract magnum-v1, Appendix A18).
    /// # Errors
    /// As [`Store::template`].
    pub async fn readable_template(&self, scope: &Scope, ident: &str) -> Result<ClusterTemplate> {
        let (missing, project) = match (find(self.reader(), scope, ident).await, scope) {
            (Err(missing @ StoreError::NotFound { .. }), Scope::Project(project)) => (missing, project),
            (other, _) => return other,
        };
        let Ok(uuid) = Uuid::parse_str(ident) else { return Err(missing) };
        let used = cluster::Entity::find()
            .select_only()
            .column(cluster::Column::TemplateUuid)
            .filter(cluster::Column::ProjectId.eq(project.as_str()))
            .into_query();
        cluster_template::Entity::find()
            .filter(cluster_template::Column::Uuid.eq(uuid.to_string()))
            .filter(cluster_template::Column::Uuid.in_subquery(used))
            .one(self.reader())
            .await
            .doing("looking up a cluster's template")?
            .ok_or(missing)?
            .try_into()
    }

    /// The labels of some templates of any project, for the clusters made from them. One query.
    ///
    /// # Errors
    /// On a database error.
    pub async fn template_labels(&self, templates: BTreeSet<Uuid>) -> Result<BTreeMap<Uuid, Labels>> {
        if templates.is_empty() {
            return Ok(BTreeMap::new());
        }
        let rows: Vec<(String, sea_orm::JsonValue)> = cluster_template::Entity::find()
            .select_only()
            .column(cluster_template::Column::Uuid)
            .column(cluster_template::Column::Labels)
            .filter(cluster_template::Column::Uuid.is_in(templates.iter().map(ToString::to_string)))
            .into_tuple()
            .all(self.reader())
            .await
            .doing("reading the labels of cluster templates")?;
        rows.into_iter().map(|(uuid, labels)| Ok((codec::uuid(&uuid)?, codec::from_json("labels", labels)?))).collect()
    }

    /// The template of a cluster, of any project.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn template_of(&self, cluster: &Cluster) -> Result<ClusterTemplate> {
        one(self.reader(), cluster.template).await?.try_into()
    }

    /// A page of the visible templates.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for the marker, [`StoreError::BadSortKey`].
    pub async fn templates(&self, scope: &Scope, page: &Page) -> Result<Vec<ClusterTemplate>> {
        let by = sort_column(page)?;
        rows::list(self.reader(), visible(scope), by, page).await
    }

    /// Replaces the template that the caller read as `old` with `new`. `is_harmless` says that the change does not
    /// affect clusters; a template that is in use can be changed only then (contract magnum-v1 section 2.1, in-use
    /// rule).
    ///
    /// # Errors
    /// [`StoreError::Overtaken`] when it was changed since it was read, [`StoreError::InUse`], [`StoreError::NotFound`]
    /// when it was deleted.
    pub async fn update_template(&self, old: &ClusterTemplate, new: &ClusterTemplate, is_harmless: bool) -> Result<()> {
        self.write(|transaction| async move {
            lock_as_read(&transaction, old).await?;
            if !is_harmless && is_used(&transaction, old.uuid).await? {
                let message = "The template is in use by clusters: only one of name, tags, hidden, or making it public \
                               can be changed. Create a new template instead.";
                return Err(StoreError::InUse(message.to_owned()));
            }
            counter::increase(&transaction, Counter::ClusterTemplates).await?;
            rows::replace(&transaction, old.uuid, new).await?;
            self.commit(transaction, "changing a cluster template").await
        })
        .await
    }

    /// Deletes the template that the caller read as `read`.
    ///
    /// # Errors
    /// [`StoreError::Overtaken`] when it was changed since it was read, [`StoreError::InUse`] when a cluster uses it,
    /// [`StoreError::NotFound`].
    pub async fn delete_template(&self, read: &ClusterTemplate) -> Result<()> {
        let (doing, uuid) = ("deleting a cluster template", read.uuid);
        let in_use = || StoreError::InUse(format!("Cluster template {uuid} is referenced by one or more clusters."));
        self.write(|transaction| async move {
            lock_as_read(&transaction, read).await?;
            if is_used(&transaction, uuid).await? {
                return Err(in_use());
            }
            counter::increase(&transaction, Counter::ClusterTemplates).await?;
            cluster_template::Entity::delete_many()
                .filter(cluster_template::Column::Uuid.eq(uuid.to_string()))
                .exec(&transaction)
                .await
                // With concurrent writers (PostgreSQL, MySQL) a cluster may have been created since the check.
                .map_err(|error| if is_dangling(&error) { in_use() } else { classify(doing, &error) })?;
            self.commit(transaction, doing).await
        })
        .await
    }
}

/// The visible template with this id, or else the one with this name.
pub(crate) async fn find(connection: &impl ConnectionTrait, scope: &Scope, ident: &str) -> Result<ClusterTemplate> {
    let doing = "looking up a cluster template";
    if let Ok(uuid) = Uuid::parse_str(ident) {
        let by_uuid = visible(scope).filter(cluster_template::Column::Uuid.eq(uuid.to_string()));
        if let Some(row) = by_uuid.one(connection).await.doing(doing)? {
            return row.try_into();
        }
    }
    let by_name = visible(scope).filter(cluster_template::Column::Name.eq(ident)).limit(2);
    let mut found = by_name.all(connection).await.doing(doing)?;
    if found.len() > 1 {
        return Err(StoreError::Ambiguous { what: WHAT, ident: ident.to_owned() });
    }
    found.pop().ok_or_else(|| StoreError::not_found(WHAT, ident))?.try_into()
}

/// Locks a template until the transaction ends, and checks that it is unchanged since the caller read it.
pub(crate) async fn lock_as_read(transaction: &impl ConnectionTrait, read: &ClusterTemplate) -> Result<()> {
    if rows::locked::<ClusterTemplate>(transaction, &Scope::All, read.uuid).await? == *read {
        return Ok(());
    }
    precondition::look_again();
    Err(StoreError::Overtaken { what: WHAT })
}

/// The template's row.
pub(crate) async fn one(connection: &impl ConnectionTrait, uuid: Uuid) -> Result<cluster_template::Model> {
    cluster_template::Entity::find()
        .filter(cluster_template::Column::Uuid.eq(uuid.to_string()))
        .one(connection)
        .await
        .doing("reading a cluster template")?
        .ok_or_else(|| StoreError::not_found(WHAT, uuid))
}

async fn is_used(connection: &impl ConnectionTrait, uuid: Uuid) -> Result<bool> {
    let clusters = cluster::Entity::find()
        .filter(cluster::Column::TemplateUuid.eq(uuid.to_string()))
        .count(connection)
        .await
        .doing("looking up clusters of a cluster template")?;
    Ok(clusters > 0)
}

fn visible(scope: &Scope) -> Select<cluster_template::Entity> {
    let condition = match scope {
        Scope::All => Condition::all(),
        Scope::Project(id) => Condition::any().add(cluster_template::Column::ProjectId.eq(id.as_str())).add(
            Condition::all()
                .add(cluster_template::Column::Public.eq(true))
                .add(cluster_template::Column::Hidden.eq(false)),
        ),
    };
    cluster_template::Entity::find().filter(condition)
}

/// The column for a sort key of the API; any stored field (contract magnum-v1 section 4).
fn sort_column(page: &Page) -> Result<Option<cluster_template::Column>> {
    use cluster_template::Column as C;
    Ok(Some(match page.sort_key.as_deref() {
        // Databases do not agree on an order of JSON values: sort by creation, which is stable.
        None | Some("" | "id" | "labels") => return Ok(None),
        Some("uuid") => C::Uuid,
        Some("project_id") => C::ProjectId,
        Some("user_id") => C::UserId,
        Some("name") => C::Name,
        Some("coe") => C::Engine,
        Some("image_id") => C::ImageId,
        Some("flavor_id") => C::FlavorId,
        Some("master_flavor_id") => C::MasterFlavorId,
        Some("keypair_id") => C::KeypairId,
        Some("external_network_id") => C::ExternalNetworkId,
        Some("fixed_network") => C::FixedNetwork,
        Some("fixed_subnet") => C::FixedSubnet,
        Some("dns_nameserver") => C::DnsNameserver,
        Some("network_driver") => C::NetworkDriver,
        Some("volume_driver") => C::VolumeDriver,
        Some("docker_volume_size") => C::DockerVolumeSize,
        Some("docker_storage_driver") => C::DockerStorageDriver,
        Some("apiserver_port") => C::ApiserverPort,
        Some("cluster_distro") => C::ClusterDistro,
        Some("http_proxy") => C::HttpProxy,
        Some("https_proxy") => C::HttpsProxy,
        Some("no_proxy") => C::NoProxy,
        Some("insecure_registry") => C::InsecureRegistry,
        Some("registry_enabled") => C::RegistryEnabled,
        Some("tls_disabled") => C::TlsDisabled,
        Some("public") => C::Public,
        Some("hidden") => C::Hidden,
        Some("master_lb_enabled") => C::MasterLbEnabled,
        Some("floating_ip_enabled") => C::FloatingIpEnabled,
        Some("server_type") => C::ServerType,
        Some("tags") => C::Tags,
        Some("driver") => C::Driver,
        Some("created_at") => C::CreatedAt,
        Some("updated_at") => C::UpdatedAt,
        Some(other) => return Err(StoreError::BadSortKey(other.to_owned())),
    }))
}

impl Thing for ClusterTemplate {
    type Entity = cluster_template::Entity;
    const WHAT: &'static str = WHAT;
    const ID: cluster_template::Column = cluster_template::Column::Id;
    const UUID: cluster_template::Column = cluster_template::Column::Uuid;
    const PROJECT: cluster_template::Column = cluster_template::Column::ProjectId;

    fn row(&self) -> Result<cluster_template::ActiveModel> {
        row(self)
    }
}

fn row(template: &ClusterTemplate) -> Result<cluster_template::ActiveModel> {
    Ok(cluster_template::ActiveModel {
        id: NotSet,
        uuid: Set(template.uuid.to_string()),
        project_id: Set(template.project_id.clone()),
        user_id: Set(template.user_id.clone()),
        name: Set(template.name.clone()),
        engine: Set(template.engine.to_string()),
        image_id: Set(template.image_id.clone()),
        flavor_id: Set(template.flavor_id.clone()),
        master_flavor_id: Set(template.master_flavor_id.clone()),
        keypair_id: Set(template.keypair_id.clone()),
        external_network_id: Set(template.external_network_id.clone()),
        fixed_network: Set(template.fixed_network.clone()),
        fixed_subnet: Set(template.fixed_subnet.clone()),
        dns_nameserver: Set(template.dns_nameserver.clone()),
        network_driver: Set(template.network_driver.clone()),
        volume_driver: Set(template.volume_driver.clone()),
        docker_volume_size: Set(template.docker_volume_size.map(i64::from)),
        docker_storage_driver: Set(template.docker_storage_driver.clone()),
        apiserver_port: Set(template.apiserver_port.map(i64::from)),
        cluster_distro: Set(template.cluster_distro.clone()),
        http_proxy: Set(template.http_proxy.clone()),
        https_proxy: Set(template.https_proxy.clone()),
        no_proxy: Set(template.no_proxy.clone()),
        insecure_registry: Set(template.insecure_registry.clone()),
        labels: Set(codec::json("labels", &template.labels)?),
        registry_enabled: Set(template.registry_enabled),
        tls_disabled: Set(template.tls_disabled),
        public: Set(template.public),
        hidden: Set(template.hidden),
        master_lb_enabled: Set(template.master_lb_enabled),
        floating_ip_enabled: Set(template.floating_ip_enabled),
        server_type: Set(template.server_type.clone()),
        tags: Set(template.tags.clone()),
        driver: Set(template.driver.clone()),
        created_at: Set(codec::micros(template.created_at)),
        updated_at: Set(template.updated_at.map(codec::micros)),
    })
}

impl TryFrom<cluster_template::Model> for ClusterTemplate {
    type Error = StoreError;

    fn try_from(row: cluster_template::Model) -> Result<Self> {
        Ok(Self {
            uuid: codec::uuid(&row.uuid)?,
            project_id: row.project_id,
            user_id: row.user_id,
            name: row.name,
            engine: codec::word("an engine", &row.engine)?,
            image_id: row.image_id,
            flavor_id: row.flavor_id,
            master_flavor_id: row.master_flavor_id,
            keypair_id: row.keypair_id,
            external_network_id: row.external_network_id,
            fixed_network: row.fixed_network,
            fixed_subnet: row.fixed_subnet,
            dns_nameserver: row.dns_nameserver,
            network_driver: row.network_driver,
            volume_driver: row.volume_driver,
            docker_volume_size: row.docker_volume_size.map(|size| codec::number("a size", size)).transpose()?,
            docker_storage_driver: row.docker_storage_driver,
            apiserver_port: row.apiserver_port.map(|port| codec::number("a port", port)).transpose()?,
            cluster_distro: row.cluster_distro,
            http_proxy: row.http_proxy,
            https_proxy: row.https_proxy,
            no_proxy: row.no_proxy,
            insecure_registry: row.insecure_registry,
            labels: codec::from_json("labels", row.labels)?,
            registry_enabled: row.registry_enabled,
            tls_disabled: row.tls_disabled,
            public: row.public,
            hidden: row.hidden,
            master_lb_enabled: row.master_lb_enabled,
            floating_ip_enabled: row.floating_ip_enabled,
            server_type: row.server_type,
            tags: row.tags,
            driver: row.driver,
            created_at: codec::time(row.created_at)?,
            updated_at: codec::maybe_time(row.updated_at)?,
        })
    }
}
