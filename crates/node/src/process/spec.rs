//! Specifications of processes.

use std::path::{Path, PathBuf};

use crate::files;

/// A process to keep running. If two specs are equal, no restart is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// Name of the component, used in reports and for its log file.
    pub name: &'static str,
    /// Program to run.
    pub program: PathBuf,
    /// Arguments of the program.
    pub arguments: Vec<String>,
    /// Environment variables in addition to the agent's own.
    pub environment: Vec<(&'static str, String)>,
    /// Generation of the cluster's CAs: programs read their certificates at start.
    pub authorities: u64,
    /// Configuration files, written before each start.
    pub files: Vec<ConfigFile>,
    /// Version for reports, if known.
    pub version: Option<String>,
}

/// A configuration file of a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFile {
    /// Path of the file.
    pub path: PathBuf,
    /// Content of the file.
    pub content: String,
}

impl Spec {
    /// Creates a spec without arguments.
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

    /// Sets the arguments.
    #[must_use]
    pub fn arguments(mut self, arguments: Vec<String>) -> Self {
        self.arguments = arguments;
        self
    }

    /// Sets the environment variables.
    #[must_use]
    pub fn environment(mut self, environment: Vec<(&'static str, String)>) -> Self {
        self.environment = environment;
        self
    }

    /// Sets the generation of the cluster's CAs: the process is restarted when it changes.
    #[must_use]
    pub fn authorities(mut self, generation: u64) -> Self {
        self.authorities = generation;
        self
    }

    /// Adds a configuration file.
    #[must_use]
    pub fn file(mut self, path: impl AsRef<Path>, content: String) -> Self {
        self.files.push(ConfigFile { path: path.as_ref().to_owned(), content });
        self
    }

    /// Sets the version for reports.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// Writes the configuration files, readable by root only: some contain credentials.
    pub(crate) fn write_files(&self) -> std::io::Result<()> {
        self.files.iter().try_for_each(|file| files::write_private(&file.path, &file.content))
    }
}
