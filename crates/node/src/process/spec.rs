//! What to run.

use std::path::{Path, PathBuf};

use crate::files;

/// A process to keep running. Two equal specs need no restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// The component's name: in reports, and of its log file.
    pub name: &'static str,
    /// Program to run.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Environment variables besides the agent's own.
    pub environment: Vec<(&'static str, String)>,
    /// Which generation of the cluster's authorities it was started with: programs read their certificates then.
    pub authorities: u64,
    /// Configuration files that it reads; written before each start.
    pub files: Vec<ConfigFile>,
    /// Its version, if known, for reports.
    pub version: Option<String>,
}

/// A configuration file of a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFile {
    /// Where it lies.
    pub path: PathBuf,
    /// What is in it.
    pub content: String,
}

impl Spec {
    /// A process without arguments.
    pub fn new(name: &'static str, program: impl Into<PathBuf>) -> Self {
        let program = program.into();
        Self {
            name,
            program,
            arguments: Vec::new(),
            environment: Vec::new(),
            authorities: 0,
            files: Vec::new(),
            version: None,
        }
    }

    /// With these arguments.
    #[must_use]
    pub fn arguments(mut self, arguments: Vec<String>) -> Self {
        self.arguments = arguments;
        self
    }

    /// With these environment variables.
    #[must_use]
    pub fn environment(mut self, environment: Vec<(&'static str, String)>) -> Self {
        self.environment = environment;
        self
    }

    /// With certificates of this generation of the cluster's authorities: another one is a reason to start anew.
    #[must_use]
    pub fn authorities(mut self, generation: u64) -> Self {
        self.authorities = generation;
        self
    }

    /// With this configuration file.
    #[must_use]
    pub fn file(mut self, path: impl AsRef<Path>, content: String) -> Self {
        self.files.push(ConfigFile { path: path.as_ref().to_owned(), content });
        self
    }

    /// With this version in reports.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// Writes the configuration files, readable for root only: some carry credentials.
    pub(crate) fn write_files(&self) -> std::io::Result<()> {
        self.files.iter().try_for_each(|file| files::write_private(&file.path, &file.content))
    }
}
