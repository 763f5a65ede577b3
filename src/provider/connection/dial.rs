//! From an address to a stream of bytes: names, TCP, proxy, TLS. What happens on the stream is the same for every dialler.
//!
//! | step | limit | why |
//! | --- | --- | --- |
//! | name | 2 s | a resolver that is slower is broken |
//! | TCP | 3.5 s | tried over and over: what is lost costs 250 ms, and a network that comes back is found in 100 ms |
//! | proxy, TLS, upgrade | 3.5 s each | one or two round trips of data, with one retransmission |
//! | `setupComplete` | 10 s | restoring a long conversation takes the service seconds |

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use rustls::pki_types::CertificateDer;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::{debug, warn};
use url::{Host, Url};

use super::address;
use super::fault::{Fault, Stage};
use super::network::{Network, SystemNetwork};
use super::proxy::Proxy;
use super::proxy::rules::{ProxyRules, Way};
use super::stream::Stream;
use super::tls::Tls;
use crate::base::text::t;

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
/// After which it is tried again where nobody has answered (the least delay of RFC 8305). The system sends the same segment
/// again after 1 and 3 s, and tries nothing while the network leads nowhere: that is how late it would find that it leads
/// somewhere again.
const AGAIN: Duration = Duration::from_millis(100);
/// Dials over TCP, through the environment's proxy where there is one, with TLS for `wss://`.
#[derive(Clone)]
pub struct TcpDialer {
    inner: Arc<Inner>,
}

struct Inner {
    tls: Tls,
    rules: ProxyRules,
    network: Arc<dyn Network>,
    /// The name that was connected to last, and its addresses: a name server that is away keeps nobody from dialling.
    known: Mutex<Option<(String, Vec<SocketAddr>)>>,
}

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
        Self::new(Tls::new(roots), rules, Arc::new(SystemNetwork))
    }

    /// A dialler on another network, which trusts these certificates besides the platform's and knows no proxy.
    pub fn on(network: Arc<dyn Network>, roots: Vec<CertificateDer<'static>>) -> Self {
        let rules = ProxyRules::from_variables(|_| None);
        Self::new(Tls::new(roots), rules, network)
    }

    fn new(tls: Tls, rules: ProxyRules, network: Arc<dyn Network>) -> Self {
        let inner = Inner {
            tls,
            rules,
            network,
            known: Mutex::default(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }
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
        let who = t!("the-proxy-named", proxy);
        let stream = limited(Stage::Proxy, &who, EXCHANGE_LIMIT, tunnel).await?;
        Ok((stream, round_trip))
    }

    /// Connects, and says how long the address that answered took. Where the name does not become known soon, the
    /// addresses that it had are dialled meanwhile.
    async fn connect(&self, host: &Host<String>, port: u16) -> Result<(Stream, Duration), Fault> {
        let address = format!("{host}:{port}");
        let known = (self.known().as_ref())
            .filter(|(name, _)| *name == address)
            .map(|(_, addresses)| addresses.clone());
        let mut resolving = pin!(self.resolve(host, port));
        let soon = timeout(NEXT_ADDRESS, &mut resolving).await;
        let (addresses, opened) = match (soon, known) {
            (Ok(Ok(found)), _) => (found.clone(), race(&*self.network, &address, found).await?),
            (Ok(Err(fault)), None) => return Err(fault),
            (Err(_), None) => {
                let found = resolving.await?;
                (found.clone(), race(&*self.network, &address, found).await?)
            }
            (Ok(Err(_)), Some(known)) => {
                (known.clone(), race(&*self.network, &address, known).await?)
            }
            (Err(_), Some(known)) => tokio::select! {
                opened = race(&*self.network, &address, known.clone()) => (known, opened?),
                Ok(found) = &mut resolving => {
                    (found.clone(), race(&*self.network, &address, found).await?)
                }
            },
        };
        *self.known() = Some((address, addresses));
        Ok(opened)
    }

    fn known(&self) -> MutexGuard<'_, Option<(String, Vec<SocketAddr>)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn resolve(&self, host: &Host<String>, port: u16) -> Result<Vec<SocketAddr>, Fault> {
        let name = match host {
            Host::Ipv4(ip) => return Ok(vec![(*ip, port).into()]),
            Host::Ipv6(ip) => return Ok(vec![(*ip, port).into()]),
            Host::Domain(name) => name.clone(),
        };
        let lookup = self.network.look_up(name.clone(), port);
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

/// Tries all addresses, each 250 ms after the last or as soon as that one failed; the first that answers wins. Where none
/// has answered by then, and the network may only be away for a while, it goes on until the time for TCP is over.
async fn race(
    network: &dyn Network,
    address: &str,
    addresses: Vec<SocketAddr>,
) -> Result<(Stream, Duration), Fault> {
    let over = Instant::now() + CONNECT_LIMIT;
    let first_round = addresses.len();
    let mut trying = FuturesUnordered::new();
    let (mut last, mut may_pass) = (None, true);
    for (begun, next) in (1..).zip(addresses.into_iter().cycle()) {
        trying.push(attempt(network, next));
        let pause = if begun <= first_round {
            NEXT_ADDRESS
        } else {
            AGAIN
        };
        let pause_over = Instant::now() + pause;
        loop {
            tokio::select! {
                Some(result) = trying.next() => match result {
                    Ok(connected) => return Ok(connected),
                    Err(error) => {
                        may_pass &= is_passing(&error);
                        last = Some(Fault::connecting(address, &error));
                        if begun < first_round {
                            break;
                        }
                    }
                },
                () = sleep_until(pause_over), if begun < first_round || may_pass => break,
                () = sleep_until(over), if may_pass || !trying.is_empty() => return Err(last.unwrap_or_else(|| no_answer(address))),
                else => return Err(last.unwrap_or_else(|| no_answer(address))),
            }
        }
    }
    Err(Fault::NameNotFound {
        host: address.to_owned(),
    })
}

/// Whether the network may lead there in a moment. A refusal, or a fault of this computer, is an answer.
fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::TimedOut
    )
}

fn no_answer(address: &str) -> Fault {
    Fault::TimedOut {
        address: address.to_owned(),
        stage: Stage::Connect,
        after: CONNECT_LIMIT,
    }
}

async fn attempt(network: &dyn Network, address: SocketAddr) -> io::Result<(Stream, Duration)> {
    let started = Instant::now();
    let stream = network.connect(address).await?;
    Ok((stream, started.elapsed()))
}

#[cfg(test)]
mod tests;
