//! The DNS server.

use std::sync::PoisonError;
use std::time::Duration;

use hickory_proto::op::{Edns, Header, HeaderCounts, Message, MessageType, Metadata, OpCode, ResponseCode};
use hickory_proto::rr::Record;
use hickory_server::Server;
use hickory_server::net::runtime::Time;
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::MessageResponseBuilder;
use tokio::net::{TcpListener, UdpSocket};

use super::Shared;
use super::answer::{self, Answer};
use super::names::Domain;
use super::upstream::Upstream;

/// Idle timeout of a TCP connection.
const TCP_IDLE: Duration = Duration::from_secs(10);

/// Maximum number of queued answers per TCP connection.
const TCP_ANSWERS: usize = 32;

/// Handles queries.
#[derive(Debug)]
pub struct Handler {
    domain: Domain,
    directory: Shared,
    upstream: Upstream,
}

/// A response.
struct Reply {
    code: ResponseCode,
    authoritative: bool,
    answers: Vec<Record>,
    authorities: Vec<Record>,
    additionals: Vec<Record>,
    edns: Option<Edns>,
}

impl Handler {
    /// Answers from the directory, and forwards other queries upstream.
    pub fn new(domain: Domain, directory: Shared, upstream: Upstream) -> Self {
        Self { domain, directory, upstream }
    }

    async fn reply(&self, request: &Request) -> Reply {
        if request.metadata.op_code != OpCode::Query || request.metadata.message_type != MessageType::Query {
            return Reply::refusal(ResponseCode::NotImp);
        }
        let Ok(info) = request.request_info() else { return Reply::refusal(ResponseCode::FormErr) };
        let query = info.query.original();
        let answer = {
            let directory = self.directory.read().unwrap_or_else(PoisonError::into_inner);
            answer::answer(&self.domain, &directory, query.name(), query.query_type())
        };
        let authorities = || answer::authority(&self.domain).into_iter().collect();
        match answer {
            Answer::Records(records) if records.is_empty() => Reply::own(ResponseCode::NoError, records, authorities()),
            Answer::Records(records) => Reply::own(ResponseCode::NoError, records, Vec::new()),
            Answer::NoSuchName => Reply::own(ResponseCode::NXDomain, Vec::new(), authorities()),
            Answer::Elsewhere => match self.upstream.ask(request.as_slice()).await {
                Some(bytes) => {
                    Message::from_vec(&bytes).map_or_else(|_| Reply::refusal(ResponseCode::ServFail), Reply::passed_on)
                }
                None => Reply::refusal(ResponseCode::ServFail),
            },
        }
    }
}

impl Reply {
    fn refusal(code: ResponseCode) -> Self {
        Self {
            code,
            authoritative: false,
            answers: Vec::new(),
            authorities: Vec::new(),
            additionals: Vec::new(),
            edns: None,
        }
    }

    fn own(code: ResponseCode, answers: Vec<Record>, authorities: Vec<Record>) -> Self {
        Self { authoritative: true, answers, authorities, ..Self::refusal(code) }
    }

    fn passed_on(message: Message) -> Self {
        Self {
            code: message.metadata.response_code,
            authoritative: message.metadata.authoritative,
            answers: message.answers,
            authorities: message.authorities,
            additionals: message.additionals,
            edns: message.edns,
        }
    }
}

#[async_trait::async_trait]
impl RequestHandler for Handler {
    async fn handle_request<R: ResponseHandler, T: Time>(&self, request: &Request, mut handle: R) -> ResponseInfo {
        let reply = self.reply(request).await;
        let mut metadata = Metadata::response_from_request(&request.metadata);
        metadata.response_code = reply.code;
        metadata.authoritative = reply.authoritative;
        metadata.recursion_available = true;
        let mut builder = MessageResponseBuilder::from_message_request(request);
        if let Some(edns) = &reply.edns {
            builder.edns(edns);
        }
        let none: [Record; 0] = [];
        let response = builder.build(metadata, &reply.answers, &reply.authorities, &none, &reply.additionals);
        match handle.send_response(response).await {
            Ok(info) => info,
            Err(error) => {
                tracing::debug!(%error, "answering {}", request.src());
                ResponseInfo::from(Header { metadata, counts: HeaderCounts::default() })
            }
        }
    }
}

/// Serves on these sockets until the server is dropped.
pub fn serve(udp: UdpSocket, tcp: TcpListener, handler: Handler) -> Server<Handler> {
    let mut server = Server::new(handler);
    server.register_socket(udp);
    server.register_listener(tcp, TCP_IDLE, TCP_ANSWERS);
    server
}
