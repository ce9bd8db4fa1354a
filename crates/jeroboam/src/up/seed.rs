//! The built-in cluster templates: one for each engine, named after it.

use jeroboam_infra::catalog::NODE_IMAGE;
use jeroboam_infra::flavor::Flavor;
use jeroboam_model::{ClusterTemplate, EngineKind};
use jeroboam_store::{Page, Scope, Store, StoreError};
use jiff::Timestamp;

/// The image of these templates in earlier releases.
const EARLIER_IMAGE: &str = "debian-12";
/// Flavor of nodes if there is one of that name: enough for a Kubernetes master. Else the operator's first flavor.
const FLAVOR: &str = "m1.medium";
/// Page size when the templates of the administrator's project are read.
const PAGE: u64 = 500;

/// Creates the public templates `kubernetes` and `swarm`, owned by `project`, when the database is empty. A template
/// that an admin deletes later stays deleted. Templates of an earlier release are updated.
pub(crate) async fn templates(store: &Store, project: &str, user: &str, flavors: &[Flavor]) -> Result<(), StoreError> {
    let one = Page { limit: 1, ..Page::default() };
    let is_first_start =
        store.templates(&Scope::All, &one).await?.is_empty() && store.clusters(&Scope::All, &one).await?.is_empty();
    if !is_first_start {
        return modernize(store, project, user).await;
    }
    let flavor = match flavors.first() {
        Some(first) if flavors.iter().all(|flavor| flavor.name != FLAVOR) => &first.name,
        _ => FLAVOR,
    };
    for engine in EngineKind::all() {
        let made = ClusterTemplate {
            flavor_id: Some(flavor.to_owned()),
            master_flavor_id: Some(flavor.to_owned()),
            ..template(engine.name, engine, project, user)
        };
        store.create_template(&made).await?;
    }
    Ok(())
}

/// Sets the current image in templates that an earlier release created, unless somebody has changed them since.
/// Existing clusters keep their image, which is recorded in their node groups.
async fn modernize(store: &Store, project: &str, user: &str) -> Result<(), StoreError> {
    let mut page = Page { limit: PAGE, ..Page::default() };
    loop {
        let there = store.templates(&Scope::Project(project.to_owned()), &page).await?;
        for old in there.iter().filter(|there| is_as_made(there, project, user)) {
            let new =
                ClusterTemplate { image_id: NODE_IMAGE.to_owned(), updated_at: Some(Timestamp::now()), ..old.clone() };
            store.update_template(old, &new, true).await?;
            let name = old.name.as_deref().unwrap_or_default();
            tracing::info!(template = name, from = EARLIER_IMAGE, to = NODE_IMAGE, "the template has today's image");
        }
        match there.last() {
            Some(last) if there.len() as u64 >= PAGE => page.marker = Some(last.uuid),
            _ => return Ok(()),
        }
    }
}

/// Whether a template is one of ours and still as an earlier release created it. The flavor is not compared: it
/// depended on the operator's flavors.
fn is_as_made(there: &ClusterTemplate, project: &str, user: &str) -> bool {
    EngineKind::all().into_iter().any(|engine| {
        let made = ClusterTemplate {
            uuid: there.uuid,
            image_id: EARLIER_IMAGE.to_owned(),
            flavor_id: there.flavor_id.clone(),
            master_flavor_id: there.flavor_id.clone(),
            created_at: there.created_at,
            ..template(engine.name, engine, project, user)
        };
        made == *there
    })
}

fn template(name: &str, engine: EngineKind, project: &str, user: &str) -> ClusterTemplate {
    ClusterTemplate {
        name: Some(name.to_owned()),
        network_driver: Some(engine.network_driver.offered.to_owned()),
        cluster_distro: Some("debian".to_owned()),
        public: true,
        ..ClusterTemplate::new(engine, NODE_IMAGE, project, user, Timestamp::now())
    }
}

#[cfg(test)]
mod tests {
    use jeroboam_pki::EncryptionKey;
    use tempfile::TempDir;

    use super::*;

    /// A store, with the templates as an earlier release created them.
    async fn earlier() -> (Store, TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("test.db").display());
        let store = Store::connect(&url, EncryptionKey::generate().unwrap()).await.unwrap();
        templates(&store, "admin", "root", &[]).await.unwrap();
        for template in all(&store).await {
            assert_eq!(template.image_id, NODE_IMAGE);
            change(&store, &template, |old| EARLIER_IMAGE.clone_into(&mut old.image_id)).await;
        }
        (store, folder)
    }

    async fn all(store: &Store) -> Vec<ClusterTemplate> {
        store.templates(&Scope::All, &Page::default()).await.unwrap()
    }

    async fn change(store: &Store, old: &ClusterTemplate, change: impl FnOnce(&mut ClusterTemplate)) {
        let mut new = old.clone();
        change(&mut new);
        store.update_template(old, &new, true).await.unwrap();
    }

    /// The images by the templates' names.
    async fn images(store: &Store) -> Vec<(String, String)> {
        let mut images: Vec<_> =
            all(store).await.into_iter().map(|template| (template.name.unwrap(), template.image_id)).collect();
        images.sort();
        images
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, image)| ((*name).to_owned(), (*image).to_owned())).collect()
    }

    #[tokio::test]
    async fn templates_of_an_earlier_release_get_todays_image_once() {
        let (store, _folder) = earlier().await;
        templates(&store, "admin", "root", &[]).await.unwrap();
        assert_eq!(images(&store).await, pairs(&[("kubernetes", "debian-13"), ("swarm", "debian-13")]));
        let after = all(&store).await;
        templates(&store, "admin", "root", &[]).await.unwrap();
        assert_eq!(all(&store).await, after, "there is nothing left to do");
    }

    #[tokio::test]
    async fn templates_that_somebody_changed_or_made_are_left_alone() {
        let (store, _folder) = earlier().await;
        for template in all(&store).await {
            if template.engine == EngineKind::KUBERNETES {
                let more = |old: &mut ClusterTemplate| {
                    old.labels.insert("flannel_backend".to_owned(), "vxlan".to_owned());
                };
                change(&store, &template, more).await;
            }
        }
        for (name, project, user) in
            [("own", "admin", "root"), ("kubernetes", "admin", "alice"), ("swarm", "p", "root")]
        {
            let own = template(name, EngineKind::KUBERNETES, project, user);
            let own = ClusterTemplate { image_id: EARLIER_IMAGE.to_owned(), ..own };
            store.create_template(&own).await.unwrap();
        }
        templates(&store, "admin", "root", &[]).await.unwrap();
        let expected = [
            ("kubernetes", "debian-12"),
            ("kubernetes", "debian-12"),
            ("own", "debian-12"),
            ("swarm", "debian-12"),
            ("swarm", "debian-13"),
        ];
        assert_eq!(images(&store).await, pairs(&expected));
    }

    #[tokio::test]
    async fn a_cluster_keeps_the_image_that_its_node_groups_have() {
        use jeroboam_model::validate::Limits;
        use jeroboam_model::{Cluster, NodeGroup, NodeRole, OperationKind, QuotaDefaults};

        let (store, _folder) = earlier().await;
        let of = all(&store).await.into_iter().find(|template| template.engine == EngineKind::SWARM).unwrap();
        let cluster = Cluster::of(&of, "c", "p", "u", Timestamp::now());
        let groups = [NodeRole::Master, NodeRole::Worker].map(|role| NodeGroup::default_of(&cluster, &of, role, 1));
        let operation = jeroboam_store::NewOperation {
            kind: OperationKind::Create,
            project_id: "p".into(),
            user_id: "u".into(),
            request_id: "r".into(),
            deadline: None,
            quotas: QuotaDefaults::default(),
            limits: Limits::default(),
            replace_data: false,
        };
        store.create_cluster(&of, &cluster, &groups, operation).await.unwrap();
        templates(&store, "admin", "root", &[]).await.unwrap();
        assert_eq!(
            store.template(&Scope::All, &of.uuid.to_string()).await.unwrap().image_id,
            "debian-13",
            "also one that is in use"
        );
        let record = store.cluster_by_uuid(&Scope::All, cluster.uuid).await.unwrap();
        assert!(record.groups.iter().all(|group| group.image_id == "debian-12"), "{:?}", record.groups);
    }
}
