//! Keeps the directory in sync with the cluster.

use std::fmt::Debug;
use std::sync::{Arc, PoisonError};

use futures::StreamExt;
use k8s_openapi::api::core::v1::{Endpoints, Service};
use kube::runtime::watcher::{self, Event};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use super::directory::Directory;
use super::{NAME, Shared};
use crate::board::Board;
use crate::watching::Patience;

/// Applies changes of one kind of object to the directory.
struct Writer<K> {
    set: fn(&mut Directory, &K),
    remove: fn(&mut Directory, &K),
    replace: fn(&mut Directory, &[K]),
}

/// Watches services and endpoints, forever. DNS counts as up once both have been listed: before that it would deny
/// existing names.
pub async fn follow(client: Client, shared: Shared, board: Arc<Board>) {
    let services =
        Writer { set: Directory::set_service, remove: Directory::remove_service, replace: Directory::replace_services };
    let endpoints = Writer {
        set: Directory::set_endpoints,
        remove: Directory::remove_endpoints,
        replace: Directory::replace_endpoints,
    };
    let (services_listed, mut first) = watch::channel(false);
    let (endpoints_listed, mut second) = watch::channel(false);
    let announce = async {
        let both = async {
            first.wait_for(|listed| *listed).await?;
            second.wait_for(|listed| *listed).await
        };
        if both.await.is_ok() {
            board.up(NAME);
        }
    };
    tokio::join!(
        follow_kind(Api::<Service>::all(client.clone()), services, &shared, &board, services_listed),
        follow_kind(Api::<Endpoints>::all(client), endpoints, &shared, &board, endpoints_listed),
        announce,
    );
}

async fn follow_kind<K>(
    api: Api<K>,
    writer: Writer<K>,
    shared: &Shared,
    board: &Arc<Board>,
    listed: watch::Sender<bool>,
) where
    K: Resource + Clone + Debug + DeserializeOwned + Send + 'static,
{
    let mut patience = Patience::new(NAME, board.clone());
    let mut listing = Vec::new();
    let mut events = watcher::watcher(api, watcher::Config::default()).boxed();
    while let Some(event) = events.next().await {
        let change = |change: &dyn Fn(&mut Directory)| {
            change(&mut shared.write().unwrap_or_else(PoisonError::into_inner));
        };
        match event {
            Ok(Event::Init) => listing.clear(),
            Ok(Event::InitApply(object)) => listing.push(object),
            Ok(Event::InitDone) => {
                let complete = std::mem::take(&mut listing);
                change(&|directory| (writer.replace)(directory, &complete));
                listed.send_replace(true);
            }
            Ok(Event::Apply(object)) => change(&|directory| (writer.set)(directory, &object)),
            Ok(Event::Delete(object)) => change(&|directory| (writer.remove)(directory, &object)),
            Err(error) => {
                patience.wait(&error).await;
                continue;
            }
        }
        patience.reset();
    }
}
