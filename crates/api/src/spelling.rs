//! The two names of the same resources: today's clusters and cluster templates, the bays and baymodels of 2015
//! (contract magnum-v1 section 2.11).

/// The names by which a client calls clusters and templates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// `clusters` and `clustertemplates`.
    Cluster,
    /// `bays` and `baymodels`, up to microversion 1.10.
    Bay,
}

impl Spelling {
    /// Collection of clusters in paths, also the key of its list.
    pub(crate) fn clusters(self) -> &'static str {
        match self {
            Self::Cluster => "clusters",
            Self::Bay => "bays",
        }
    }

    /// Collection of templates in paths, also the key of its list.
    pub(crate) fn templates(self) -> &'static str {
        match self {
            Self::Cluster => "clustertemplates",
            Self::Bay => "baymodels",
        }
    }

    /// The name of a policy rule about clusters.
    pub(crate) fn cluster_rule(self, action: &str) -> String {
        match self {
            Self::Cluster => format!("cluster:{action}"),
            Self::Bay => format!("bay:{action}"),
        }
    }

    /// The name of a policy rule about templates.
    pub(crate) fn template_rule(self, action: &str) -> String {
        match self {
            Self::Cluster => format!("clustertemplate:{action}"),
            Self::Bay => format!("baymodel:{action}"),
        }
    }

    /// The noun for a cluster in messages.
    pub(crate) fn cluster(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Bay => "bay",
        }
    }

    /// The noun for a template in messages.
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
