//! RabbitMQ, as oslo.messaging uses it: a topic exchange per service, a queue per topic and priority.

use std::fmt;
use std::str::FromStr;

use lapin::options::{
    BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::uri::AMQPUri;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, ExchangeKind};
use secrecy::{ExposeSecret, SecretString};

use crate::envelope::{Message, Priority};
use crate::{NotifyError, Settings};

/// Delivery mode of messages that durable queues keep on disk.
const PERSISTENT: u8 = 2;

/// URL of the bus. Its password is never shown, not even in `Debug`.
#[derive(Clone)]
pub struct BusUrl {
    /// The complete URL.
    url: SecretString,
    /// The URL without user and password.
    shown: String,
}

impl FromStr for BusUrl {
    type Err = String;

    /// `amqp://USER:PASSWORD@HOST:PORT/VHOST`; `amqps` for TLS. `rabbit`, as in OpenStack's `transport_url`, means
    /// `amqp`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || "it must look like amqp://USER:PASSWORD@HOST:PORT/VHOST (amqps with TLS)".to_owned();
        let url = text.strip_prefix("rabbit://").map_or_else(|| text.to_owned(), |rest| format!("amqp://{rest}"));
        let uri: AMQPUri = url.parse().map_err(|_| wrong())?;
        if uri.authority.host.is_empty() {
            return Err(wrong());
        }
        let shown = format!("{}:{}/{}", uri.authority.host, uri.authority.port, uri.vhost.trim_start_matches('/'));
        Ok(Self { url: url.into(), shown })
    }
}

impl fmt::Display for BusUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for BusUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BusUrl").field(&self.shown).finish()
    }
}

/// A connection to the bus. Closed when it is dropped.
pub(crate) struct Bus {
    channel: Channel,
    exchange: String,
    /// Closes the connection when it is dropped.
    _connection: Connection,
}

impl Bus {
    /// Connects, and ensures that the exchange and the queues exist: a message without a queue would be lost.
    pub(crate) async fn connect(settings: &Settings) -> Result<Self, NotifyError> {
        let properties = ConnectionProperties::default().with_connection_name("jeroboam".into());
        let connection = Connection::connect(settings.url.url.expose_secret(), properties).await?;
        make_exchange(&connection, settings).await?;
        for priority in Priority::ALL {
            make_queue(&connection, settings, &priority.queue()).await?;
        }
        let channel = connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        Ok(Self { channel, exchange: settings.exchange.clone(), _connection: connection })
    }

    /// Sends messages in order, and waits until the bus has confirmed all of them.
    pub(crate) async fn publish(&self, messages: Vec<Message>) -> Result<(), NotifyError> {
        let mut confirms = Vec::with_capacity(messages.len());
        for message in messages {
            let properties = BasicProperties::default()
                .with_content_type("application/json".into())
                .with_content_encoding("utf-8".into())
                .with_delivery_mode(PERSISTENT);
            let (exchange, key) = (self.exchange.as_str().into(), message.priority.queue().into());
            let options = BasicPublishOptions::default();
            confirms.push(self.channel.basic_publish(exchange, key, options, &message.body, properties).await?);
        }
        for confirm in confirms {
            if !confirm.await?.is_ack() {
                return Err(NotifyError::Refused);
            }
        }
        Ok(())
    }
}

/// Creates the exchange unless it exists: one with another durability must not be declared again.
async fn make_exchange(connection: &Connection, settings: &Settings) -> Result<(), NotifyError> {
    let declare = async |passive: bool| {
        // One channel per attempt: the bus closes the channel when it refuses.
        let channel = connection.create_channel().await?;
        let options = ExchangeDeclareOptions { passive, durable: settings.durable, ..Default::default() };
        let name = settings.exchange.as_str().into();
        channel.exchange_declare(name, ExchangeKind::Topic, options, FieldTable::default()).await
    };
    match declare(true).await {
        Ok(()) => Ok(()),
        Err(error) if error.is_amqp_soft_error() => Ok(declare(false).await?),
        Err(error) => Err(error.into()),
    }
}

/// Creates a queue unless it exists, and binds it to the exchange.
async fn make_queue(connection: &Connection, settings: &Settings, queue: &str) -> Result<(), NotifyError> {
    let declare = async |passive: bool| {
        let channel = connection.create_channel().await?;
        let options = QueueDeclareOptions { passive, durable: settings.durable, ..Default::default() };
        channel.queue_declare(queue.into(), options, FieldTable::default()).await
    };
    match declare(true).await {
        Ok(_) => {}
        Err(error) if error.is_amqp_soft_error() => drop(declare(false).await?),
        Err(error) => return Err(error.into()),
    }
    let channel = connection.create_channel().await?;
    let exchange = settings.exchange.as_str().into();
    let options = QueueBindOptions::default();
    Ok(channel.queue_bind(queue.into(), exchange, queue.into(), options, FieldTable::default()).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_never_shows() {
        for text in ["amqp://user:hunter2@bus.example:5673/cloud", "rabbit://user:hunter2@bus.example:5673/cloud"] {
            let url: BusUrl = text.parse().unwrap();
            assert_eq!(url.to_string(), "bus.example:5673/cloud");
            assert!(!format!("{url:?}").contains("hunter2"));
        }
        for bad in ["", "http://user:hunter2@bus", "user:hunter2@bus", "amqp://user:hunter2@bus:port/"] {
            let said = bad.parse::<BusUrl>().unwrap_err();
            assert!(!said.contains("hunter2"), "{said}");
        }
    }
}
