//! The machine's own resolvers, for all names outside the cluster's domain.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

/// Timeout of one resolver. Two of them fit into the 5 s timeout of resolvers in pods.
const PATIENCE: Duration = Duration::from_secs(2);

/// Maximum number of resolvers, as in resolv.conf(5).
const MOST: usize = 3;

/// Maximum size of a response over UDP, in bytes.
const DATAGRAM: usize = 65_535;

/// Offset of the byte with the truncation bit in a DNS message, and the bit.
const TRUNCATED: (usize, u8) = (2, 0b10);

/// The resolvers to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    resolvers: Vec<SocketAddr>,
}

impl Upstream {
    /// The resolvers in a file like `/etc/resolv.conf`, without `own`, which is this server itself.
    pub fn from_file(path: &Path, own: IpAddr) -> Self {
        Self::parse(&std::fs::read_to_string(path).unwrap_or_default(), own)
    }

    fn parse(text: &str, own: IpAddr) -> Self {
        let addresses = text.lines().filter_map(|line| {
            let mut words = line.split_whitespace();
            (words.next() == Some("nameserver")).then(|| words.next()?.parse::<IpAddr>().ok()).flatten()
        });
        let resolvers = addresses
            .filter(|address| *address != own)
            .take(MOST)
            .map(|address| SocketAddr::new(address, 53))
            .collect();
        Self { resolvers }
    }

    /// The first response to a message, unchanged; over TCP if a response is too long for UDP.
    pub async fn ask(&self, message: &[u8]) -> Option<Vec<u8>> {
        for resolver in &self.resolvers {
            match tokio::time::timeout(PATIENCE, ask(*resolver, message)).await {
                Ok(Ok(answer)) => return Some(answer),
                Ok(Err(error)) => tracing::debug!(%error, %resolver, "asking a resolver"),
                Err(_) => tracing::debug!(%resolver, "a resolver does not answer"),
            }
        }
        None
    }
}

async fn ask(resolver: SocketAddr, message: &[u8]) -> std::io::Result<Vec<u8>> {
    let answer = ask_udp(resolver, message).await?;
    if answer.get(TRUNCATED.0).is_some_and(|byte| byte & TRUNCATED.1 != 0) {
        return ask_tcp(resolver, message).await;
    }
    Ok(answer)
}

async fn ask_udp(resolver: SocketAddr, message: &[u8]) -> std::io::Result<Vec<u8>> {
    let any: IpAddr =
        if resolver.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { std::net::Ipv6Addr::UNSPECIFIED.into() };
    // A separate socket, and so a random port, for every query makes responses hard to forge.
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(resolver).await?;
    socket.send(message).await?;
    let mut answer = vec![0; DATAGRAM];
    loop {
        let length = socket.recv(&mut answer).await?;
        // The response must have the same id as the query.
        if length > 2 && answer[..2] == message[..2.min(message.len())] {
            answer.truncate(length);
            return Ok(answer);
        }
    }
}

async fn ask_tcp(resolver: SocketAddr, message: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(resolver).await?;
    let length = u16::try_from(message.len()).map_err(std::io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes(), message].concat()).await?;
    let mut answer = vec![0; usize::from(stream.read_u16().await?)];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolvers_are_read_as_the_machine_reads_them() {
        let text = "# made by docker\nsearch example.org\nnameserver 127.0.0.11\nnameserver\t10.254.0.10\n\
            nameserver ::1\nnameserver bad\nnameserver 1.1.1.1\nnameserver 2.2.2.2\noptions ndots:0\n";
        let upstream = Upstream::parse(text, [10, 254, 0, 10].into());
        let resolvers: Vec<String> = upstream.resolvers.iter().map(ToString::to_string).collect();
        assert_eq!(resolvers, ["127.0.0.11:53", "[::1]:53", "1.1.1.1:53"]);
    }

    #[tokio::test]
    async fn the_first_answer_counts_and_strangers_are_not_heard() {
        let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = server.local_addr().unwrap();
        tokio::spawn(async move {
            let mut buffer = [0; 64];
            let (length, client) = server.recv_from(&mut buffer).await.unwrap();
            server.send_to(b"\xff\xff\0forged", client).await.unwrap();
            buffer[3] = b'!';
            server.send_to(&buffer[..length], client).await.unwrap();
        });
        // The first resolver is a closed port.
        let closed = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let upstream = Upstream { resolvers: vec![closed, address] };
        assert_eq!(upstream.ask(b"\x12\x34\x00?").await.unwrap(), b"\x12\x34\x00!");
    }
}
