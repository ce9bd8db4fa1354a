//! The database, and the key that encrypts its secrets: neither is usable without the other.

use std::path::Path;

use anyhow::{Context, bail};
use jeroboam_pki::EncryptionKey;
use jeroboam_store::{KeyFit, Store};
use secrecy::{ExposeSecret, SecretString};

use super::data::DataDir;

/// The database in the data folder.
const DATABASE_FILE: &str = "jeroboam.db";
/// The encryption key in the data folder.
const KEY_FILE: &str = "encryption.key";

/// The URL of the database. It may contain a password.
#[derive(Debug, Clone)]
pub(crate) struct DatabaseUrl(pub(crate) SecretString);

impl DatabaseUrl {
    /// The one that was given as such or in a file, if any.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn given(url: Option<SecretString>, file: Option<&Path>) -> anyhow::Result<Option<Self>> {
        if url.is_some() {
            return Ok(url.map(Self));
        }
        let Some(file) = file else { return Ok(None) };
        let read = std::fs::read_to_string(file)
            .with_context(|| format!("reading the URL of the database from {}", file.display()))?;
        Ok(Some(Self(read.trim().to_owned().into())))
    }

    /// The database in the data folder.
    pub(crate) fn in_folder(data: &DataDir) -> Self {
        Self(format!("sqlite://{}?mode=rwc", data.file(DATABASE_FILE).display()).into())
    }
}

/// Opens the database. A key is generated only for a database without secrets: a new key decrypts none of the existing
/// secrets, and what is encrypted with it is lost when the right key is restored.
///
/// # Errors
/// When the key is missing or is not the one that encrypted the secrets, or a file cannot be read or written.
pub(super) async fn open(data: &DataDir, url: &DatabaseUrl) -> anyhow::Result<Store> {
    let file = data.file(KEY_FILE);
    let kept = EncryptionKey::load(&file).context("opening the encryption key")?;
    let key = kept.clone().map_or_else(EncryptionKey::generate, Ok).context("making an encryption key")?;
    let store = Store::connect(url.0.expose_secret(), key.clone()).await.context("opening the database")?;
    let fit = store.key_fit().await.context("trying the encryption key on the database's secrets")?;
    match (kept, fit) {
        (None, KeyFit::NothingSealed) => key.keep(&file).context("keeping a new encryption key")?,
        (None, KeyFit::Fits | KeyFit::Foreign) => bail!(
            "the encryption key {} is missing, and the database has secrets that only this key opens: keys of \
             clusters' authorities among them. {}",
            file.display(),
            RESTORE
        ),
        (Some(_), KeyFit::Foreign) => bail!(
            "the encryption key {} is not the one that secrets in the database were sealed with. {}",
            file.display(),
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

        async fn open(&self) -> anyhow::Result<Store> {
            open(&self.data, &DatabaseUrl::in_folder(&self.data)).await
        }

        async fn seal(&self) {
            let store = self.open().await.unwrap();
            store.put_secret(Owner::Deployment, "agent-ca", None, Some(&"secret".into())).await.unwrap();
            store.close().await.unwrap();
        }

        async fn refusal(&self) -> String {
            format!("{:#}", self.open().await.unwrap_err())
        }
    }

    #[tokio::test]
    async fn a_first_start_makes_a_private_key_and_the_next_opens_what_it_sealed() {
        let folder = Folder::new();
        folder.seal().await;
        let mode = fs::metadata(folder.data.file(KEY_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let secret = folder.open().await.unwrap().secret(Owner::Deployment, "agent-ca").await.unwrap();
        assert!(secret.unwrap().key.is_some());
    }

    #[tokio::test]
    async fn a_lost_key_is_made_anew_only_while_nothing_is_sealed() {
        let folder = Folder::new();
        folder.open().await.unwrap().close().await.unwrap();
        fs::remove_file(folder.data.file(KEY_FILE)).unwrap();
        folder.seal().await;
        fs::rename(folder.data.file(KEY_FILE), folder.data.file("elsewhere")).unwrap();
        for _ in 0..2 {
            let refusal = folder.refusal().await;
            assert!(refusal.contains("encryption.key is missing") && refusal.contains("from a backup"), "{refusal}");
            assert!(!folder.data.file(KEY_FILE).exists(), "no other key takes its place");
        }
        fs::rename(folder.data.file("elsewhere"), folder.data.file(KEY_FILE)).unwrap();
        assert!(folder.open().await.is_ok());
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
