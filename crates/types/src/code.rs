//! The stable codes of causes.

/// What went wrong, for programs. On the wire and in `docs/errors.md`, which lists the action for each, a code is
/// written in snake case. The meaning of a code never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::Display, strum::EnumString, strum::EnumIter)]
#[strum(serialize_all = "snake_case")]
pub enum Code {
    /// The endpoint for agents is not determined yet.
    AgentEndpointUnknown,
    /// The machine runs, but its agent does not connect.
    AgentSilent,
    /// All nodes are ready, but the engine's API did not answer the last health check.
    ApiUnreachable,
    /// A user cancelled the operation.
    Cancelled,
    /// The cluster was deleted before the operation started.
    ClusterGone,
    /// The cluster has no API yet.
    ClusterNotReachableYet,
    /// A repair was stopped because the cluster was paused.
    ClusterPaused,
    /// The database does not answer or is locked.
    DatabaseUnavailable,
    /// The operation did not finish in time; the message names what it waited for.
    DeadlinePassed,
    /// The database may be outdated or a copy: nothing is created or removed.
    DeploymentHeld,
    /// The deployment is not held, so there is no choice to make.
    DeploymentNotHeld,
    /// Another server of the deployment still runs, with another database.
    DeploymentRival,
    /// The cluster is on another infrastructure than the server's.
    InfrastructureNotOffered,
    /// The cluster's Kubernetes is older than this release supports: it can only be shown and deleted.
    KubernetesTooOld,
    /// A node's machine runs, but has been disconnected from its network.
    MachineCutOff,
    /// A node's machine no longer exists, with or without its disk.
    MachineGone,
    /// A node's machine is paused and its agent is silent.
    MachinePaused,
    /// A node's machine has stopped; in an operation: after every start.
    MachineStopped,
    /// None of a cluster's resources exist at the infrastructure.
    ClusterMissing,
    /// A cluster's network no longer exists.
    NetworkGone,
    /// A node failed without a reported reason.
    NodeFailed,
    /// The node has not registered with the engine yet.
    NodeNotJoined,
    /// The engine reports the node as not ready, with a reason.
    NodeNotReady,
    /// Components of the node are starting.
    NodeStarting,
    /// An operation failed under a release that stored no cause.
    OperationFailed,
    /// Nothing is left of the masters of an orphan that is to be adopted.
    OrphanWithoutMaster,
    /// A key or certificate cannot be created.
    PkiFailed,
    /// A database row that should exist is missing.
    RecordMissing,
    /// A repair was stopped in favour of a user's request.
    RepairMadeWay,
    /// So many nodes of a group are unhealthy that no machine is replaced.
    ReplacementHeld,
    /// The private key of a CA cannot be decrypted or used.
    SecretUnreadable,
    /// A disk with the only copy of the cluster's state is lost.
    StateLost,
    /// A completed step is undone repeatedly.
    StepUndone,
    /// The database cannot write.
    StorageFull,
    /// The cluster was deleted before the operation finished.
    SupersededByDelete,
    /// Another container uses the node's address.
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
    /// The engine is not allowed to start containers as nodes need them.
    InfrastructureCapabilities,
    /// The engine's address or our settings are invalid.
    InfrastructureConfiguration,
    /// The engine's disk is full.
    InfrastructureDiskFull,
    /// The engine returned an unexpected response.
    InfrastructureError,
    /// The engine denies access.
    InfrastructureForbidden,
    /// The host does not have enough memory for the node.
    InfrastructureOutOfMemory,
    /// The engine rejects the request permanently.
    InfrastructureRefused,
    /// The engine does not answer.
    InfrastructureUnavailable,
    /// The engine is too old.
    InfrastructureVersion,
    /// A container of something else has the node's name.
    NameConflict,
    /// The cluster's network no longer exists.
    NetworkMissing,
    /// The cluster's network has no free address.
    TooManyNodes,
    /// This server has no driver for the cluster's engine.
    EngineNotOffered,
    /// The engine's API rejects the request.
    EngineRefused,
    /// The engine's API does not answer.
    EngineUnavailable,
    /// The agent does not understand its assignment.
    AssignmentInvalid,
    /// The server refused to sign a component's certificate.
    CertificateRefused,
    /// A component exits repeatedly.
    ComponentCrashed,
    /// The program of a component is missing in the image.
    ComponentMissing,
    /// A component runs, but does not answer.
    ComponentUnresponsive,
    /// Cluster DNS cannot be served on the node.
    DnsFailed,
    /// The port for the cluster's registry, or for the Docker Engine, cannot be opened.
    GatewayFailed,
    /// An image of the node image could not be loaded.
    ImageImportFailed,
    /// The machine is not suitable as a node.
    MachineUnfit,
    /// Routes or rules of the pod network could not be set up.
    NetworkFailed,
    /// Initializing or joining the swarm failed.
    SwarmFailed,
    /// The image does not contain the requested Kubernetes version.
    VersionUnavailable,
}
