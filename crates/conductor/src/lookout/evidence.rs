//! Evidence that a database is an older one, or a copy.

use jeroboam_infra::Presence;
use jeroboam_store::Deployment;
use jeroboam_types::v1::{Evidence, EvidenceKind};

use super::neighbour::Neighbour;
use super::{Found, Lookout, LookoutError};

impl Lookout {
    /// Everything found that the database should know and does not.
    pub(super) async fn evidence(&self, found: &Found, deployment: &Deployment) -> Result<Vec<Evidence>, LookoutError> {
        let mut evidence: Vec<Evidence> = found.neighbours.iter().filter_map(rival).collect();
        for presence in &found.presences {
            let answers = evidence.iter().any(|known| known.instance == Some(presence.instance));
            if !answers && !self.store.knows_instance(presence.instance).await? {
                evidence.push(stranger(presence));
            }
        }
        evidence.extend(ahead(found, deployment.number));
        Ok(evidence)
    }
}

/// A server that uses another database.
fn rival(neighbour: &Neighbour) -> Option<Evidence> {
    (neighbour.knows_us == Some(false)).then(|| Evidence {
        kind: EvidenceKind::Neighbour,
        message: format!(
            "A server of this deployment runs on {} and answers at {}, and uses another database.",
            neighbour.host, neighbour.url
        ),
        number: Some(neighbour.number),
        instance: Some(neighbour.instance),
        url: Some(neighbour.url.clone()),
    })
}

/// A server that this database does not know.
fn stranger(presence: &Presence) -> Evidence {
    Evidence {
        kind: EvidenceKind::Instance,
        message: format!(
            "A server of this deployment on {} has left its mark, and this database does not know it.",
            presence.host
        ),
        number: Some(presence.number),
        instance: Some(presence.instance),
        url: presence.url.clone(),
    }
}

/// The highest number above the database's.
fn ahead(found: &Found, number: i64) -> Option<Evidence> {
    let by_servers = found.presences.iter().map(|presence| (presence.number, format!("a server on {}", presence.host)));
    let by_clusters = found.remains.iter().map(|remains| {
        let name = remains.name.as_deref().unwrap_or("without a name");
        (remains.number, format!("what is there of cluster {name} ({})", remains.cluster))
    });
    let (highest, what) = by_servers.chain(by_clusters).max_by_key(|(seen, _)| *seen)?;
    (highest > number).then(|| Evidence {
        kind: EvidenceKind::Number,
        message: format!("The mark of {what} has the number {highest}, and this database is only at {number}."),
        number: Some(highest),
        instance: None,
        url: None,
    })
}
