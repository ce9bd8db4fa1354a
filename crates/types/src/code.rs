//! The stable codes of causes.

/// What went wrong, for programs. On the wire and in `docs/errors.md`, which says what to do about each, a code is written
/// in snake case. The meaning of one never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::Display, strum::EnumString, strum::EnumIter)]
#[strum(serialize_all = "snake_case")]
pub enum Code {
    /// It is not known yet where agents are to call home.
    AgentEndpointUnknown,
    /// The machine runs, but its agent does not call home.
    AgentSilent,
    /// All nodes are well, but the engine's API did not answer when it was asked last.
    ApiUnreachable,
    /// Somebody cancelled the operation.
    Cancelled,
    /// The cluster was deleted before the operation began.
    ClusterGone,
    /// The cluster has no API yet.
    ClusterNotReachableYet,
    /// A repair ended because the cluster was paused.
    ClusterPaused,
    /// The database does not answer or is locked.
    DatabaseUnavailable,
    /// The operation did not end in time; the message says what it waited for.
    DeadlinePassed,
    /// The database may be older than what was made with it, or a copy: nothing is made or removed.
    DeploymentHeld,
    /// There is nothing to choose: the database is the one that counts.
    DeploymentNotHeld,
    /// Another server of the deployment still answers, with another database.
    DeploymentRival,
    /// The cluster is on another infrastructure than the server's.
    InfrastructureNotOffered,
    /// The cluster's Kubernetes is older than what this release runs: it can be looked at and deleted, no more.
    KubernetesTooOld,
    /// A node's machine runs, but has been taken off its network.
    MachineCutOff,
    /// A node's machine is gone, with its disk or without.
    MachineGone,
    /// A node's machine is paused and its agent silent.
    MachinePaused,
    /// A node's machine has stopped; in an operation: each time that it was started.
    MachineStopped,
    /// Nothing of a cluster is at the infrastructure.
    ClusterMissing,
    /// A cluster's network is gone.
    NetworkGone,
    /// A node gave up without saying more.
    NodeFailed,
    /// The engine does not know the node yet.
    NodeNotJoined,
    /// The engine says that the node is not ready, and why.
    NodeNotReady,
    /// Components of the node are starting.
    NodeStarting,
    /// An operation failed under a release that kept no cause.
    OperationFailed,
    /// Nothing is left of the masters of an orphan that is to be taken over.
    OrphanWithoutMaster,
    /// A key or certificate cannot be made.
    PkiFailed,
    /// A row that should be there is gone.
    RecordMissing,
    /// A repair ended for what a user asked for.
    RepairMadeWay,
    /// So many nodes of a group are unwell that no machine is replaced.
    ReplacementHeld,
    /// An authority cannot be decrypted or used.
    SecretUnreadable,
    /// A disk with the only copy of the cluster's state is gone.
    StateLost,
    /// Something undoes a step again and again.
    StepUndone,
    /// The database cannot write.
    StorageFull,
    /// The cluster was deleted before the operation was done.
    SupersededByDelete,
    /// Another container has the node's address.
    AddressInUse,
    /// No /24 of the address pool is free.
    AddressPoolExhausted,
    /// `jeroboam-node` cannot be read.
    AgentBinaryMissing,
    /// `jeroboam-node` does not run in the node image.
    AgentNotExecutable,
    /// There is no such flavor.
    FlavorUnknown,
    /// The Docker Engine does not have the image.
    ImageMissing,
    /// The engine is busy with an earlier container of the node.
    InfrastructureBusy,
    /// The engine may not start containers as nodes need them.
    InfrastructureCapabilities,
    /// The engine's address or our settings are wrong.
    InfrastructureConfiguration,
    /// The engine's disk is full.
    InfrastructureDiskFull,
    /// The engine answered something that was not understood.
    InfrastructureError,
    /// We may not talk to the engine.
    InfrastructureForbidden,
    /// The machine has no memory left for the node.
    InfrastructureOutOfMemory,
    /// The engine refuses for good.
    InfrastructureRefused,
    /// The engine does not answer.
    InfrastructureUnavailable,
    /// The engine is too old.
    InfrastructureVersion,
    /// A container that is not the node's has its name.
    NameConflict,
    /// The cluster's network is gone.
    NetworkMissing,
    /// The cluster's network has no address left.
    TooManyNodes,
    /// This server has no driver for the cluster's engine.
    EngineNotOffered,
    /// The engine's API refuses.
    EngineRefused,
    /// The engine's API does not answer.
    EngineUnavailable,
    /// The agent does not understand what it is to do.
    AssignmentInvalid,
    /// The server refused a component's certificate.
    CertificateRefused,
    /// A component keeps ending.
    ComponentCrashed,
    /// A component's program is missing in the image.
    ComponentMissing,
    /// A component runs, but does not answer.
    ComponentUnresponsive,
    /// Cluster DNS cannot be served on the node.
    DnsFailed,
    /// The way to the cluster's registry, or to the Docker Engine, cannot be opened.
    GatewayFailed,
    /// An image of the node image could not be loaded.
    ImageImportFailed,
    /// The machine cannot be a node.
    MachineUnfit,
    /// Routes or rules of the pod network could not be made.
    NetworkFailed,
    /// Founding or joining the swarm failed.
    SwarmFailed,
    /// The image does not carry the Kubernetes version asked for.
    VersionUnavailable,
}
