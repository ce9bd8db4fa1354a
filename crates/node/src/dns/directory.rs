//! The cluster's services, as needed for DNS.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use k8s_openapi::api::core::v1::{Endpoints, Service};
use kube::ResourceExt;

/// Namespace and name of a service.
pub type Key = (String, String);

/// All known services and endpoints. They arrive separately and in any order.
#[derive(Debug, Default)]
pub struct Directory {
    services: HashMap<Key, ServiceEntry>,
    endpoints: HashMap<Key, Vec<Endpoint>>,
    by_address: HashMap<IpAddr, Key>,
}

/// A service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceEntry {
    /// What its name resolves to.
    pub kind: Kind,
    /// Named ports: `(name, protocol in lower case, number)`.
    pub ports: Vec<Port>,
}

/// A named port.
pub type Port = (String, String, u16);

/// What a service's name resolves to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// The cluster IPs of the service.
    Addresses(Vec<IpAddr>),
    /// The addresses of the pods of the service.
    Headless,
    /// An external name.
    External(String),
}

/// An endpoint of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Address of the pod.
    pub address: IpAddr,
    /// Its label below the service's name.
    pub name: String,
    /// Named ports of the pod.
    pub ports: Vec<Port>,
}

impl Directory {
    /// Returns a service by namespace and name.
    pub fn service(&self, namespace: &str, name: &str) -> Option<&ServiceEntry> {
        self.services.get(&(namespace.to_owned(), name.to_owned()))
    }

    /// Returns the endpoints of a service.
    pub fn endpoints(&self, namespace: &str, name: &str) -> &[Endpoint] {
        self.endpoints.get(&(namespace.to_owned(), name.to_owned())).map_or(&[], Vec::as_slice)
    }

    /// Returns the service with this address.
    pub fn owner(&self, address: IpAddr) -> Option<&Key> {
        self.by_address.get(&address)
    }

    /// Adds or updates a service.
    pub fn set_service(&mut self, service: &Service) {
        let key = key(service);
        self.forget_addresses(&key);
        let Some(entry) = entry(service) else {
            self.services.remove(&key);
            return;
        };
        if let Kind::Addresses(addresses) = &entry.kind {
            self.by_address.extend(addresses.iter().map(|address| (*address, key.clone())));
        }
        self.services.insert(key, entry);
    }

    /// Removes a service.
    pub fn remove_service(&mut self, service: &Service) {
        let key = key(service);
        self.forget_addresses(&key);
        self.services.remove(&key);
    }

    /// Adds or updates the endpoints of a service.
    pub fn set_endpoints(&mut self, endpoints: &Endpoints) {
        self.endpoints.insert(key(endpoints), addresses(endpoints));
    }

    /// Removes the endpoints of a service.
    pub fn remove_endpoints(&mut self, endpoints: &Endpoints) {
        self.endpoints.remove(&key(endpoints));
    }

    /// Replaces all services with a new list.
    pub fn replace_services(&mut self, services: &[Service]) {
        self.services.clear();
        self.by_address.clear();
        services.iter().for_each(|service| self.set_service(service));
    }

    /// Replaces all endpoints with a new list.
    pub fn replace_endpoints(&mut self, endpoints: &[Endpoints]) {
        self.endpoints = endpoints.iter().map(|endpoints| (key(endpoints), addresses(endpoints))).collect();
    }

    fn forget_addresses(&mut self, key: &Key) {
        if let Some(ServiceEntry { kind: Kind::Addresses(addresses), .. }) = self.services.get(key) {
            for address in addresses {
                self.by_address.remove(address);
            }
        }
    }
}

fn key(object: &impl ResourceExt) -> Key {
    (object.namespace().unwrap_or_default(), object.name_any())
}

fn entry(service: &Service) -> Option<ServiceEntry> {
    let spec = service.spec.as_ref()?;
    let kind = if spec.type_.as_deref() == Some("ExternalName") {
        Kind::External(spec.external_name.clone()?)
    } else if spec.cluster_ip.as_deref() == Some("None") {
        Kind::Headless
    } else {
        // `clusterIPs` exists since 1.20 and includes `clusterIP`.
        let several = spec.cluster_ips.iter().flatten();
        let mut addresses: Vec<IpAddr> = several.chain(&spec.cluster_ip).filter_map(|ip| ip.parse().ok()).collect();
        addresses.sort();
        addresses.dedup();
        Kind::Addresses(addresses)
    };
    let ports = spec.ports.iter().flatten();
    let ports = ports.filter_map(|p| port(p.name.as_ref(), p.protocol.as_deref(), p.port)).collect();
    Some(ServiceEntry { kind, ports })
}

fn addresses(endpoints: &Endpoints) -> Vec<Endpoint> {
    let mut found = BTreeMap::<IpAddr, Endpoint>::new();
    for subset in endpoints.subsets.iter().flatten() {
        let ports = subset.ports.iter().flatten();
        let ports: Vec<Port> = ports.filter_map(|p| port(p.name.as_ref(), p.protocol.as_deref(), p.port)).collect();
        for entry in subset.addresses.iter().flatten() {
            let Ok(address) = entry.ip.parse() else { continue };
            let endpoint = found.entry(address).or_insert_with(|| Endpoint {
                address,
                // CoreDNS uses the same names for pods without a host name.
                name: entry.hostname.clone().unwrap_or_else(|| entry.ip.replace(['.', ':'], "-")),
                ports: Vec::new(),
            });
            endpoint.ports.extend(ports.iter().cloned());
        }
    }
    found.into_values().collect()
}

fn port(name: Option<&String>, protocol: Option<&str>, number: i32) -> Option<Port> {
    Some((name?.clone(), protocol.unwrap_or("TCP").to_ascii_lowercase(), u16::try_from(number).ok()?))
}
