//! What an infrastructure says while it works.

use tokio::sync::mpsc;
use uuid::Uuid;

/// Takes what an infrastructure reports while it makes or removes things, so that people can follow it. Reporting never
/// waits and never fails.
#[derive(Debug, Clone)]
pub struct Progress(Option<mpsc::UnboundedSender<Report>>);

/// One report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The node whose machine it is about; `None`: the cluster's network.
    pub node: Option<Uuid>,
    /// What is being done, in a few words: `starting the container`.
    pub text: String,
}

impl Progress {
    /// A sink, and where its reports come out. They end when the last copy of the sink is dropped.
    #[must_use]
    pub fn channel() -> (Self, mpsc::UnboundedReceiver<Report>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(Some(sender)), receiver)
    }

    /// A sink for work that nobody follows.
    #[must_use]
    pub fn ignored() -> &'static Self {
        static IGNORED: Progress = Progress(None);
        &IGNORED
    }

    /// Reports on a node's machine.
    pub fn of_machine(&self, node: Uuid, text: impl Into<String>) {
        self.report(Some(node), text.into());
    }

    /// Reports on the cluster's network.
    pub fn of_network(&self, text: impl Into<String>) {
        self.report(None, text.into());
    }

    fn report(&self, node: Option<Uuid>, text: String) {
        if let Some(sender) = &self.0 {
            // The one who followed may be gone: then nobody misses it.
            let _ = sender.send(Report { node, text });
        }
    }
}
