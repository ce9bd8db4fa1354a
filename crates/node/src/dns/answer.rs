//! Answers to queries about the cluster.

use std::net::IpAddr;

use hickory_proto::rr::rdata::{A, AAAA, CNAME, PTR, SOA, SRV};
use hickory_proto::rr::{Name, RData, Record, RecordType};

use super::directory::{Directory, Endpoint, Kind};
use super::names::{Domain, Question};

/// TTL of answers, in seconds. Short, as services come and go (kube-dns has always used this value).
const TTL: u32 = 5;

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Records; empty if the name exists but has none of this type.
    Records(Vec<Record>),
    /// The name does not exist (NXDOMAIN).
    NoSuchName,
    /// Not in the cluster's domain: upstream must be asked.
    Elsewhere,
}

/// Answers a query for records of one type.
pub fn answer(domain: &Domain, directory: &Directory, name: &Name, wanted: RecordType) -> Answer {
    let at = |data: RData| Record::from_rdata(name.clone(), TTL, data);
    match domain.question(name) {
        Question::Elsewhere => Answer::Elsewhere,
        Question::Nonsense => Answer::NoSuchName,
        Question::Branch => Answer::Records(Vec::new()),
        Question::Pod(address) => Answer::Records(addresses(wanted, [address]).map(at).collect()),
        Question::Reverse(address) => match directory.owner(address) {
            None => Answer::Elsewhere,
            Some((namespace, service)) => {
                let target = domain.service(namespace, service).filter(|_| wanted == RecordType::PTR);
                Answer::Records(target.map(|target| at(RData::PTR(PTR(target)))).into_iter().collect())
            }
        },
        Question::Service { namespace, name: service } => {
            let Some(entry) = directory.service(&namespace, &service) else { return Answer::NoSuchName };
            let records = match &entry.kind {
                Kind::Addresses(own) => addresses(wanted, own.iter().copied()).map(at).collect(),
                Kind::Headless => {
                    let behind = directory.endpoints(&namespace, &service).iter().map(|endpoint| endpoint.address);
                    addresses(wanted, behind).map(at).collect()
                }
                Kind::External(other) => {
                    let other = Name::from_ascii(other).and_then(|other| other.append_domain(&Name::root()));
                    other.map(|other| at(RData::CNAME(CNAME(other)))).into_iter().collect()
                }
            };
            Answer::Records(records)
        }
        Question::Endpoint { namespace, name: service, endpoint } => {
            let known = directory.endpoints(&namespace, &service).iter().filter(|known| known.name == endpoint);
            let known: Vec<IpAddr> = known.map(|endpoint| endpoint.address).collect();
            if known.is_empty() {
                return Answer::NoSuchName;
            }
            Answer::Records(addresses(wanted, known).map(at).collect())
        }
        Question::Port { namespace, name: service, port, protocol } => {
            let targets = targets(domain, directory, (&namespace, &service), (&port, &protocol));
            if targets.is_empty() {
                return Answer::NoSuchName;
            }
            let wanted = wanted == RecordType::SRV;
            let records = targets.into_iter().filter(|_| wanted);
            Answer::Records(records.map(|(number, target)| at(RData::SRV(SRV::new(0, 100, number, target)))).collect())
        }
    }
}

/// The SOA record, which caches need for names that do not exist.
pub fn authority(domain: &Domain) -> Option<Record> {
    let prefixed = |label: &str| Name::from_ascii(label).ok()?.append_domain(domain.name()).ok();
    let soa = SOA::new(prefixed("ns.dns")?, prefixed("hostmaster")?, 1, 7200, 1800, 86400, TTL);
    Some(Record::from_rdata(domain.name().clone(), TTL, RData::SOA(soa)))
}

fn addresses(wanted: RecordType, addresses: impl IntoIterator<Item = IpAddr>) -> impl Iterator<Item = RData> {
    addresses.into_iter().filter_map(move |address| match (address, wanted) {
        (IpAddr::V4(address), RecordType::A) => Some(RData::A(A(address))),
        (IpAddr::V6(address), RecordType::AAAA) => Some(RData::AAAA(AAAA(address))),
        _ => None,
    })
}

/// Port numbers and target names of a named port.
fn targets(
    domain: &Domain,
    directory: &Directory,
    (namespace, service): (&str, &str),
    (port, protocol): (&str, &str),
) -> Vec<(u16, Name)> {
    let Some(entry) = directory.service(namespace, service) else { return Vec::new() };
    let Some(own) = domain.service(namespace, service) else { return Vec::new() };
    let number = |ports: &[super::directory::Port]| {
        ports.iter().find(|(name, proto, _)| name == port && proto == protocol).map(|(_, _, number)| *number)
    };
    let below = |endpoint: &Endpoint| Name::from_ascii(&endpoint.name).ok()?.append_domain(&own).ok();
    match entry.kind {
        Kind::Headless => {
            let behind = directory.endpoints(namespace, service).iter();
            behind.filter_map(|endpoint| Some((number(&endpoint.ports)?, below(endpoint)?))).collect()
        }
        _ => number(&entry.ports).map(|number| (number, own)).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn directory() -> Directory {
        let service = |name: &str, spec: Value| {
            serde_json::from_value(json!({ "metadata": { "name": name, "namespace": "shop" }, "spec": spec })).unwrap()
        };
        let mut directory = Directory::default();
        directory.replace_services(&[
            service("web", json!({ "clusterIP": "10.254.0.7", "ports": [{ "name": "http", "port": 80 }] })),
            service("db", json!({ "clusterIP": "None", "ports": [{ "name": "sql", "port": 5432 }] })),
            service("docs", json!({ "type": "ExternalName", "externalName": "example.org" })),
        ]);
        let endpoints = json!({
            "metadata": { "name": "db", "namespace": "shop" },
            "subsets": [{
                "addresses": [{ "ip": "10.100.1.2", "hostname": "db-0" }, { "ip": "10.100.2.3" }],
                "ports": [{ "name": "sql", "port": 15432 }],
            }],
        });
        directory.replace_endpoints(&[serde_json::from_value(endpoints).unwrap()]);
        directory
    }

    fn ask(name: &str, wanted: RecordType) -> Answer {
        answer(&Domain::new("cluster.local").unwrap(), &directory(), &Name::from_ascii(name).unwrap(), wanted)
    }

    fn data(name: &str, wanted: RecordType) -> Vec<String> {
        match ask(name, wanted) {
            Answer::Records(records) => records.iter().map(|record| record.data.to_string()).collect(),
            other => panic!("{name}: {other:?}"),
        }
    }

    #[test]
    fn a_service_has_its_own_address_and_a_headless_one_those_of_its_pods() {
        assert_eq!(data("web.shop.svc.cluster.local.", RecordType::A), ["10.254.0.7"]);
        assert_eq!(data("db.shop.svc.cluster.local.", RecordType::A), ["10.100.1.2", "10.100.2.3"]);
        assert_eq!(data("db-0.db.shop.svc.cluster.local.", RecordType::A), ["10.100.1.2"]);
        assert_eq!(data("10-100-2-3.db.shop.svc.cluster.local.", RecordType::A), ["10.100.2.3"]);
    }

    #[test]
    fn a_name_without_an_address_of_that_kind_exists_all_the_same() {
        assert!(data("web.shop.svc.cluster.local.", RecordType::AAAA).is_empty());
        assert!(data("shop.svc.cluster.local.", RecordType::A).is_empty());
    }

    #[test]
    fn unknown_names_do_not_exist() {
        for name in ["nothing.shop.svc.cluster.local.", "db-9.db.shop.svc.cluster.local.", "web.cluster.local."] {
            assert_eq!(ask(name, RecordType::A), Answer::NoSuchName, "{name}");
        }
        assert_eq!(ask("_ftp._tcp.web.shop.svc.cluster.local.", RecordType::SRV), Answer::NoSuchName);
        assert_eq!(ask("example.org.", RecordType::A), Answer::Elsewhere);
    }

    #[test]
    fn an_external_name_is_another_name() {
        assert_eq!(data("docs.shop.svc.cluster.local.", RecordType::A), ["example.org."]);
    }

    #[test]
    fn named_ports_lead_to_the_service_or_to_its_pods() {
        assert_eq!(
            data("_http._tcp.web.shop.svc.cluster.local.", RecordType::SRV),
            ["0 100 80 web.shop.svc.cluster.local."]
        );
        assert_eq!(
            data("_sql._tcp.db.shop.svc.cluster.local.", RecordType::SRV),
            ["0 100 15432 db-0.db.shop.svc.cluster.local.", "0 100 15432 10-100-2-3.db.shop.svc.cluster.local."]
        );
    }

    #[test]
    fn a_services_address_leads_back_to_its_name_and_others_are_not_ours() {
        assert_eq!(data("7.0.254.10.in-addr.arpa.", RecordType::PTR), ["web.shop.svc.cluster.local."]);
        assert_eq!(ask("1.1.168.192.in-addr.arpa.", RecordType::PTR), Answer::Elsewhere);
    }

    #[test]
    fn a_changed_service_gives_its_old_address_up() {
        let mut directory = directory();
        let service = |spec: Value| {
            serde_json::from_value(json!({ "metadata": { "name": "web", "namespace": "shop" }, "spec": spec })).unwrap()
        };
        directory.set_service(&service(json!({ "clusterIP": "10.254.0.8" })));
        assert_eq!(directory.owner([10, 254, 0, 7].into()), None);
        assert!(directory.owner([10, 254, 0, 8].into()).is_some());
        directory.remove_service(&service(json!({})));
        assert!(directory.service("shop", "web").is_none());
        assert_eq!(directory.owner([10, 254, 0, 8].into()), None);
    }
}
