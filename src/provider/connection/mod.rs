//! A connection to a service: address, proxy, TLS, WebSocket, and when to connect again. It knows no message of any service.

pub(super) mod address;
pub mod dial;
pub mod environment;
pub mod fault;
pub mod get;
pub mod network;
mod proxy;
pub mod reconnect;
pub mod route;
pub(super) mod socket;
pub mod stream;
pub mod tcp_info;
mod tls;
mod trust;
pub(super) mod upgrade;
