//! The database, and the key that encrypts its secrets: neither is usable without the other.

use anyhow::{Context, bail};
use jeroboam_pki::EncryptionKey;
use jeroboam_store::{KeyFit, Store};

use super::data::DataDir;

/// The database in the data folder.
const DATABASE_FILE: &str = "jeroboam.db";
/// The encryption key in the data folder.
const KEY_FILE: &str = "encryption.key";

/// Opens the database. A key is generated only for a database without secrets: a new key decrypts none of the existing
/// secrets, and what is encrypted with it is lost when the right key is restored.
///
/// # Errors
/// When the key is missing or is not the one that encrypted the secrets, or a file cannot be read or written.
pub(super) async fn open(data: &DataDir) -> anyhow::Result<Store> {
    let (database, file) = (data.file(DATABASE_FILE), data.file(KEY_FILE));
    let kept = EncryptionKey::load(&file).context("opening the encryption key")?;
    let key = kept.clone().map_or_else(EncryptionKey::generate, Ok).context("making an encryption key")?;
    let url = format!("sqlite://{}?mode=rwc", database.display());
    let store = Store::connect(&url, key.clone()).await.context("opening the database")?;
    let fit = store.key_fit().await.context("trying the encryption key on the database's secrets")?;
    match (kept, fit) {
        (None, KeyFit::NothingSealed) => key.keep(&file).context("keeping a new encryption key")?,
        (None, KeyFit::Fits | KeyFit::Foreign) => bail!(
            "the encryption key {} is missing, and the database {} has secrets that only this key opens: keys of \
             clusters' authorities among them. {}",
            file.display(),
            database.display(),
            RESTORE
        ),
        (Some(_), KeyFit::Foreign) => bail!(
            "the encryption key {} is not the one that secrets in the database {} were sealed with. {}",
            file.display(),
            database.display(),
            RESTORE
        ),
        (Some(_), KeyFit::NothingSealed | KeyFit::Fits) => {}
    }
    Ok(store)
}

/// Recovery steps for the operator.
const RESTORE: &str = "Put the right file back from a backup of the data folder, readable by its owner only (chmod \
                       600), and start again. Without it no cluster in this database can be reached or changed any \
                       more: then give an empty folder with --data, and remove the clusters' machines by hand";

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use jeroboam_store::Owner;

    use super::*;

    struct Folder {
        data: DataDir,
        _folder: tempfile::TempDir,
    }

    impl Folder {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            Self { data: DataDir::open(folder.path()).unwrap(), _folder: folder }
        }

        async fn seal(&self) {
            let store = open(&self.data).await.unwrap();
            store.put_secret(Owner::Deployment, "agent-ca", None, Some(&"secret".into())).await.unwrap();
            store.close().await.unwrap();
        }

        async fn refusal(&self) -> String {
            format!("{:#}", open(&self.data).await.unwrap_err())
        }
    }

    #[tokio::test]
    async fn a_first_start_makes_a_private_key_and_the_next_opens_what_it_sealed() {
        let folder = Folder::new();
        folder.seal().await;
        let mode = fs::metadata(folder.data.file(KEY_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let secret = open(&folder.data).await.unwrap().secret(Owner::Deployment, "agent-ca").await.unwrap();
        assert!(secret.unwrap().key.is_some());
    }

    #[tokio::test]
    async fn a_lost_key_is_made_anew_only_while_nothing_is_sealed() {
        let folder = Folder::new();
        open(&folder.data).await.unwrap().close().await.unwrap();
        fs::remove_file(folder.data.file(KEY_FILE)).unwrap();
        folder.seal().await;
        fs::rename(folder.data.file(KEY_FILE), folder.data.file("elsewhere")).unwrap();
        for _ in 0..2 {
            let refusal = folder.refusal().await;
            assert!(refusal.contains("encryption.key is missing") && refusal.contains("from a backup"), "{refusal}");
            assert!(!folder.data.file(KEY_FILE).exists(), "no other key takes its place");
        }
        fs::rename(folder.data.file("elsewhere"), folder.data.file(KEY_FILE)).unwrap();
        assert!(open(&folder.data).await.is_ok());
    }

    #[tokio::test]
    async fn another_key_is_refused_and_left_alone() {
        let (folder, other) = (Folder::new(), Folder::new());
        folder.seal().await;
        other.seal().await;
        fs::copy(other.data.file(KEY_FILE), folder.data.file(KEY_FILE)).unwrap();
        let refusal = folder.refusal().await;
        assert!(refusal.contains("encryption.key is not the one") && refusal.contains("--data"), "{refusal}");
        let [ours, theirs] = [&folder, &other].map(|folder| fs::read(folder.data.file(KEY_FILE)).unwrap());
        assert_eq!(ours, theirs);
    }
}
