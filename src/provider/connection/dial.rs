//! From an address to a stream of bytes: names, TCP, proxy, TLS. What happens on the stream is the same for every dialler.
//!
//! | step | limit | why |
//! | --- | --- | --- |
//! | name | 2 s | a resolver that is slower is broken |
//! | TCP | 3.5 s | a SYN is sent at 0, 1 and 3 s: two lost ones are survived |
//! | proxy, TLS, upgrade | 3.5 s each | one or two round trips of data, with one retransmission |
//! | `setupComplete` | 10 s | restoring a long conversation takes the service seconds |

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use rustls::pki_types::CertificateDer;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, warn};
use url::{Host, Url};

use super::address;
use super::fault::{Fault, Stage};
use super::proxy::Proxy;
use super::proxy::rules::{ProxyRules, Way};
use super::stream::Stream;
use super::tls::Tls;
use crate::base::thread::aside;

pub struct Opened {
    /// The stream, encrypted where the address says so.
    pub stream: Stream,
    /// One round trip to the service: the time that TCP took to connect, or behind a proxy the one that TLS took, in which
    /// the service's arithmetic is; `None` where there was none.
    pub round_trip: Option<Duration>,
    /// A proxy is in between: what the system tells of the TCP connection is of the way to the proxy.
    pub proxied: bool,
}

/// Opens streams. Tests open one within memory.
pub trait Dialer: Send + Sync + 'static {
    /// Opens a stream to the host of `url`. The path is not of interest.
    fn dial(&self, url: Url) -> BoxFuture<'static, Result<Opened, Fault>>;
}

const RESOLVE_LIMIT: Duration = Duration::from_secs(2);
/// For TCP as a whole, over all addresses of a name.
const CONNECT_LIMIT: Duration = Duration::from_millis(3_500);
/// For each of proxy, TLS and upgrade.
pub(in crate::provider) const EXCHANGE_LIMIT: Duration = Duration::from_millis(3_500);
/// After which the next address of a name is tried beside the last (RFC 8305, connection attempt delay).
const NEXT_ADDRESS: Duration = Duration::from_millis(250);
/// Bytes that the system may hold before TCP can send them. More would make a slow link look fast: its speed is
/// judged by what the socket takes. It is enough for a quarter of a second at the 350 kbit/s that speech needs.
#[cfg(target_os = "linux")]
const UNSENT: u32 = 16 << 10;
/// How long sent bytes may stay unacknowledged: a dead link is noticed within 3 s of speech. Three retransmissions fit in.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = Duration::from_millis(2_750);
/// Keepalive finds a peer that vanished while nothing is said: 8 + 3 × 2 s.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(8);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(2);

/// Dials over TCP, through the environment's proxy where there is one, with TLS for `wss://`.
#[derive(Clone)]
pub struct TcpDialer {
    inner: Arc<Inner>,
}

struct Inner {
    tls: Tls,
    rules: ProxyRules,
    lookup: Lookup,
}

/// Looks a name up. Tests have their own.
type Lookup =
    Arc<dyn Fn(String, u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync>;

impl Default for TcpDialer {
    fn default() -> Self {
        Self::with_extra_roots(Vec::new())
    }
}

impl TcpDialer {
    /// A dialler that trusts these certificates besides the platform's.
    pub fn with_extra_roots(roots: Vec<CertificateDer<'static>>) -> Self {
        let rules = ProxyRules::from_environment();
        for what in rules.ignored() {
            warn!(what, "a variable has no effect");
        }
        Self::new(Tls::new(roots), rules, Arc::new(system_lookup))
    }

    fn new(tls: Tls, rules: ProxyRules, lookup: Lookup) -> Self {
        let inner = Inner { tls, rules, lookup };
        Self {
            inner: Arc::new(inner),
        }
    }
}

fn system_lookup(name: String, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
    Box::pin(async move {
        let look_up = move || (name, port).to_socket_addrs().map(Iterator::collect);
        let found = aside("resolver", look_up).await;
        found.unwrap_or_else(|| Err(io::Error::other("the look-up broke off")))
    })
}

/// Whether the environment names a proxy that a connection to `url` goes through.
pub fn through_proxy(url: &Url) -> bool {
    // The environment stays as it was when the program began.
    static RULES: LazyLock<ProxyRules> = LazyLock::new(ProxyRules::from_environment);
    matches!(RULES.way(url), Way::Through(_))
}

impl Dialer for TcpDialer {
    fn dial(&self, url: Url) -> BoxFuture<'static, Result<Opened, Fault>> {
        let inner = Arc::clone(&self.inner);
        Box::pin(async move { inner.open(&url).await })
    }
}

impl Inner {
    async fn open(&self, url: &Url) -> Result<Opened, Fault> {
        let (host, encrypted) = address::check(url)?;
        let proxy = match self.rules.way(url) {
            Way::Through(proxy) => Some(proxy),
            Way::Broken(fault) => return Err(fault.clone()),
            Way::Direct | Way::Here | Way::Exempt(_) => None,
        };
        let (mut stream, mut round_trip) = match proxy {
            Some(proxy) => self.tunnel(proxy, url, &host).await?,
            None => self.connect(&host, port_of(url)).await?,
        };
        if encrypted {
            let name = host.to_string();
            let began = Instant::now();
            let encrypt = self.tls.encrypt(&name, stream);
            let address = address::host_and_port(url);
            stream = limited(Stage::Encrypt, &address, EXCHANGE_LIMIT, encrypt).await?;
            if proxy.is_some() {
                round_trip = began.elapsed();
            }
        }
        Ok(Opened {
            stream,
            round_trip: Some(round_trip),
            proxied: proxy.is_some(),
        })
    }

    /// A stream through the proxy, and the round trip to that.
    async fn tunnel(
        &self,
        proxy: &Proxy,
        url: &Url,
        host: &Host<String>,
    ) -> Result<(Stream, Duration), Fault> {
        let service = if proxy.needs_address() {
            self.resolve(host, port_of(url)).await?.first().copied()
        } else {
            None
        };
        let (place, port) = proxy.place();
        let (stream, round_trip) = self
            .connect(&place, port)
            .await
            .map_err(|fault| proxy.refuses(url, fault.to_string()))?;
        let tunnel = proxy.tunnel(stream, url, service, &self.tls);
        let who = format!("the proxy {proxy}");
        let stream = limited(Stage::Proxy, &who, EXCHANGE_LIMIT, tunnel).await?;
        Ok((stream, round_trip))
    }

    /// Connects, and says how long the address that answered took.
    async fn connect(&self, host: &Host<String>, port: u16) -> Result<(Stream, Duration), Fault> {
        let addresses = self.resolve(host, port).await?;
        let address = format!("{host}:{port}");
        let race = race(&address, addresses);
        let (stream, round_trip) = limited(Stage::Connect, &address, CONNECT_LIMIT, race).await?;
        tune(&stream).map_err(|error| Fault::connecting(&address, &error))?;
        Ok((Box::new(stream), round_trip))
    }

    async fn resolve(&self, host: &Host<String>, port: u16) -> Result<Vec<SocketAddr>, Fault> {
        let name = match host {
            Host::Ipv4(ip) => return Ok(vec![(*ip, port).into()]),
            Host::Ipv6(ip) => return Ok(vec![(*ip, port).into()]),
            Host::Domain(name) => name.clone(),
        };
        let lookup = (self.lookup)(name.clone(), port);
        let found = async {
            let found = lookup.await.map_err(|error| {
                debug!(%name, %error, "name not found");
                not_found(name.clone(), &error)
            })?;
            if found.is_empty() {
                return Err(Fault::NameNotFound { host: name.clone() });
            }
            Ok(alternate(found))
        };
        limited(
            Stage::Resolve,
            &format!("{name}:{port}"),
            RESOLVE_LIMIT,
            found,
        )
        .await
    }
}

/// Whether the name does not exist or nobody could say so. The system tells that in words only.
fn not_found(host: String, error: &io::Error) -> Fault {
    let no_answer = ["Temporary failure", "Try again", "try again"];
    let words = error.to_string();
    if no_answer.iter().any(|part| words.contains(part)) {
        Fault::NoNameServer { host }
    } else {
        Fault::NameNotFound { host }
    }
}

fn port_of(url: &Url) -> u16 {
    url.port_or_known_default().unwrap_or(443)
}

/// Runs a step within its limit.
pub(in crate::provider) async fn limited<T>(
    stage: Stage,
    address: &str,
    limit: Duration,
    step: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    timeout(limit, step).await.unwrap_or_else(|_| {
        Err(Fault::TimedOut {
            address: address.to_owned(),
            stage,
            after: limit,
        })
    })
}

/// Families take turns, beginning with the first one, so that a broken one costs 250 ms only (RFC 8305).
fn alternate(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (mut these, mut those): (VecDeque<_>, VecDeque<_>) = addresses
        .into_iter()
        .partition(|a| a.is_ipv6() == first_is_v6);
    let mut ordered = Vec::with_capacity(these.len() + those.len());
    while let Some(next) = these.pop_front().or_else(|| those.pop_front()) {
        ordered.push(next);
        std::mem::swap(&mut these, &mut those);
    }
    ordered
}

/// Tries all addresses, each 250 ms after the last or as soon as that one failed; the first that answers wins.
async fn race(address: &str, addresses: Vec<SocketAddr>) -> Result<(TcpStream, Duration), Fault> {
    let mut waiting = VecDeque::from(addresses);
    let mut trying = FuturesUnordered::new();
    let mut last = Fault::NameNotFound {
        host: address.to_owned(),
    };
    loop {
        if let Some(next) = waiting.pop_front() {
            trying.push(attempt(next));
        }
        tokio::select! {
            Some(result) = trying.next() => match result {
                Ok(connected) => return Ok(connected),
                Err(error) => last = Fault::connecting(address, &error),
            },
            () = sleep(NEXT_ADDRESS), if !waiting.is_empty() => {}
            else => return Err(last),
        }
    }
}

async fn attempt(address: SocketAddr) -> std::io::Result<(TcpStream, Duration)> {
    let started = Instant::now();
    let stream = TcpStream::connect(address).await?;
    Ok((stream, started.elapsed()))
}

/// No Nagle, which would hold the last audio of an utterance back for a round trip; a dead peer is found by TCP alone.
fn tune(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    if !stream.nodelay()? {
        return Err(std::io::Error::other("TCP_NODELAY does not hold"));
    }
    #[cfg(target_os = "linux")]
    SockRef::from(stream)
        .set_tcp_notsent_lowat(UNSENT)
        .unwrap_or_else(|error| debug!(%error, "the system holds back what is to be sent"));
    let loopback = stream.peer_addr().is_ok_and(|peer| is_local(peer.ip()));
    if !loopback {
        let socket = SockRef::from(stream);
        let keepalive = TcpKeepalive::new()
            .with_time(KEEPALIVE_AFTER)
            .with_interval(KEEPALIVE_EVERY);
        let mut tuned = socket.set_tcp_keepalive(&keepalive);
        #[cfg(target_os = "linux")]
        {
            tuned = tuned.and(socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED)));
        }
        tuned.unwrap_or_else(|error| warn!(%error, "a dead connection will be noticed late"));
    }
    Ok(())
}

fn is_local(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

#[cfg(test)]
mod tests;
