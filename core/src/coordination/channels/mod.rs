//! Coordinations over channels.

mod actor;
mod held;
mod ping_pong;
mod producer_consumer;
mod threadring;

pub use actor::Actor;
pub use ping_pong::PingPong;
pub use producer_consumer::{ProducerConsumer, Traffic};
pub use threadring::ThreadRing;

/// The name of the latency from when a message is sent to when it is received.
const HAND_OVER: &str = "hand_over";

#[cfg(test)]
mod tests;
