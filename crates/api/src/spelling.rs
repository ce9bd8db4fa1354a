//! The two spellings of the same resources: clusters and their templates of today, bays and baymodels of 2015
//! (contract magnum-v1 section 2.11).

/// How a client spells clusters and templates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// `clusters` and `clustertemplates`.
    Cluster,
    /// `bays` and `baymodels`, up to microversion 1.10.
    Bay,
}

impl Spelling {
    /// Collection of clusters, also the key of its list.
    pub(crate) fn clusters(self) -> &'static str {
        match self {
            Self::Cluster => "clusters",
            Self::Bay => "bays",
        }
    }

    /// Collection of templates, also the key of its list.
    pub(crate) fn templates(self) -> &'static str {
        match self {
            Self::Cluster => "clustertemplates",
            Self::Bay => "baymodels",
        }
    }

    /// A policy rule about clusters.
    pub(crate) fn cluster_rule(self, action: &str) -> String {
        match self {
            Self::Cluster => format!("cluster:{action}"),
            Self::Bay => format!("bay:{action}"),
        }
    }

    /// A policy rule about templates.
    pub(crate) fn template_rule(self, action: &str) -> String {
        match self {
            Self::Cluster => format!("clustertemplate:{action}"),
            Self::Bay => format!("baymodel:{action}"),
        }
    }

    /// One cluster, in messages.
    pub(crate) fn cluster(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Bay => "bay",
        }
    }

    /// One template, in messages.
    pub(crate) fn template(self) -> &'static str {
        match self {
            Self::Cluster => "cluster template",
            Self::Bay => "baymodel",
        }
    }

    /// The attribute of a cluster that names its template.
    pub(crate) fn template_id(self) -> &'static str {
        match self {
            Self::Cluster => "cluster_template_id",
            Self::Bay => "baymodel_id",
        }
    }

    /// The attribute of a cluster that limits the time of its creation.
    pub(crate) fn create_timeout(self) -> &'static str {
        match self {
            Self::Cluster => "create_timeout",
            Self::Bay => "bay_create_timeout",
        }
    }
}
