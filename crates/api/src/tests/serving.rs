//! The server on a real socket. Time is paused and advances whenever all tasks are idle.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::Case;
use crate::serve;

pub(super) async fn start(case: &Case) -> (SocketAddr, CancellationToken, JoinHandle<std::io::Result<()>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    (address, shutdown.clone(), tokio::spawn(serve(listener, case.router.clone(), 1000, shutdown)))
}

async fn send(address: SocketAddr, head: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

async fn read_all(mut stream: TcpStream) -> String {
    let mut text = String::new();
    let _ = stream.read_to_string(&mut text).await;
    text
}

#[tokio::test]
async fn requests_are_answered_and_slow_heads_are_given_up() {
    let case = Case::new().await;
    let (address, shutdown, server) = start(&case).await;
    let answer =
        read_all(send(address, "GET /healthcheck HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let slow = send(address, "GET /healthcheck HTTP/1.1\r\nHost:").await;
    tokio::time::pause();
    let answer = read_all(slow).await;
    assert!(!answer.contains(" 200 "), "{answer}");
    shutdown.cancel();
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_slow_body_is_given_up() {
    let case = Case::new().await;
    let (address, shutdown, server) = start(&case).await;
    let head = "POST /v1/clusters HTTP/1.1\r\nHost: x\r\nX-Auth-Token: member\r\nConnection: close\r\nContent-Length: 10\r\n\r\n{";
    let slow = send(address, head).await;
    tokio::time::pause();
    let answer = read_all(slow).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    shutdown.cancel();
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_client_that_takes_no_answer_is_given_up() {
    let case = Case::new().await;
    let (address, shutdown, server) = start(&case).await;
    let get = "GET /v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n";
    let asked = 500;
    let mut stream = send(address, &get.repeat(asked)).await;
    // More than both ends buffer of responses that nobody reads.
    tokio::time::pause();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let mut answers = Vec::new();
    let _ = stream.read_to_end(&mut answers).await;
    let answered = String::from_utf8_lossy(&answers).matches("HTTP/1.1 200").count();
    assert!(answered < asked, "all {answered} were kept for a client that did not take them");
    shutdown.cancel();
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn followers_do_not_keep_the_server_from_stopping() {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    let uuid = case.cluster("c", "t").await;
    let operations = case.get(&format!("/v1/operations?cluster={uuid}")).send().await.body;
    let operation = operations["operations"][0]["uuid"].as_str().unwrap().to_owned();
    let (address, shutdown, server) = start(&case).await;
    let head = format!("GET /v1/operations/{operation}/events HTTP/1.1\r\nHost: x\r\nX-Auth-Token: member\r\n\r\n");
    let mut stream = send(address, &head).await;
    let mut first = [0; 12];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    shutdown.cancel();
    tokio::time::pause();
    server.await.unwrap().unwrap();
}
