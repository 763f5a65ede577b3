//! A network within the test: proxies of each kind, and an encrypted server that only they lead to.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::desk::{Home, Server};

/// User and password that the proxies ask for.
pub(crate) const LOGIN: &str = "me:p@ss:w%rd";

/// Proxies that ask for [`LOGIN`] and lead to an encrypted server whatever they are asked for.
pub(crate) struct Network {
    pub(crate) http: SocketAddr,
    pub(crate) https: SocketAddr,
    pub(crate) socks: SocketAddr,
    /// Addresses that the proxies were asked for.
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
    authority: PathBuf,
    _runtime: tokio::runtime::Runtime,
}

impl Network {
    pub(crate) fn start(home: &Home, server: &Server) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("the system has threads");
        let (pem, acceptor) = certificate();
        let authority = home.write("authority.pem", pem);
        let listen = || {
            runtime
                .block_on(TcpListener::bind("127.0.0.1:0"))
                .expect("a port")
        };
        let (gate, http, https, socks) = (listen(), listen(), listen(), listen());
        let at = |listener: &TcpListener| listener.local_addr().expect("bound");
        let network = Self {
            http: at(&http),
            https: at(&https),
            socks: at(&socks),
            asked: Arc::default(),
            authority,
            _runtime: runtime,
        };
        let behind = server.url.trim_start_matches("ws://").to_owned();
        let to = at(&gate);
        let start = |work| drop(network._runtime.spawn(work));
        start(Box::pin(serve_gate(gate, acceptor.clone(), behind)) as Work);
        let asked = Arc::clone(&network.asked);
        start(Box::pin(async move {
            while let Ok((stream, _)) = http.accept().await {
                tokio::spawn(connect_proxy(stream, to, Arc::clone(&asked)));
            }
        }));
        let asked = Arc::clone(&network.asked);
        start(Box::pin(async move {
            while let Ok((stream, _)) = https.accept().await {
                let (acceptor, asked) = (acceptor.clone(), Arc::clone(&asked));
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        connect_proxy(stream, to, asked).await;
                    }
                });
            }
        }));
        let asked = Arc::clone(&network.asked);
        start(Box::pin(async move {
            while let Ok((stream, _)) = socks.accept().await {
                tokio::spawn(socks_proxy(stream, to, Arc::clone(&asked)));
            }
        }));
        network
    }

    /// Has the program trust the server.
    pub(crate) fn trust(&self, command: &mut std::process::Command) {
        command.env("SSL_CERT_FILE", &self.authority);
    }
}

type Work = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

/// An authority, and a server that it vouches for as the gate and as this computer.
fn certificate() -> (String, TlsAcceptor) {
    let mut params = CertificateParams::new([]).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let signer = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("randomness"));
    let signer = signer.expect("a valid authority");
    let names = ["gate.example".to_owned(), "localhost".to_owned()];
    let key = KeyPair::generate().expect("randomness");
    let params = CertificateParams::new(names).expect("names");
    let certificate = params
        .signed_by(&key, &signer)
        .expect("a valid certificate");
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key just made");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring knows them")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("the key fits");
    (signer.pem(), TlsAcceptor::from(Arc::new(config)))
}

/// The encrypted face of our server, which takes no other Host than its own.
async fn serve_gate(listener: TcpListener, acceptor: TlsAcceptor, behind: String) {
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, behind) = (acceptor.clone(), behind.clone());
        tokio::spawn(async move {
            let mut stream = acceptor.accept(stream).await.ok()?;
            let request = head(&mut stream).await?;
            let mut inner = TcpStream::connect(&behind).await.ok()?;
            let request = request.replace("Host: gate.example", "Host: localhost");
            inner.write_all(request.as_bytes()).await.ok()?;
            copy_bidirectional(&mut stream, &mut inner).await.ok()
        });
    }
}

async fn connect_proxy(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    to: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
) -> Option<()> {
    use base64::Engine as _;
    let Some(request) = head(&mut stream).await else {
        let refusal = b"HTTP/1.1 400 Bad Request\r\n\r\n";
        return stream.write_all(refusal).await.ok();
    };
    let login = base64::engine::general_purpose::STANDARD.encode(LOGIN);
    if !request.contains(&format!("\r\nProxy-Authorization: Basic {login}\r\n")) {
        let refusal = "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n";
        return stream.write_all(refusal.as_bytes()).await.ok();
    }
    let name = request
        .strip_prefix("CONNECT ")?
        .split(' ')
        .next()?
        .to_owned();
    asked.lock().ok()?.push(name);
    stream
        .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
        .await
        .ok()?;
    forward(stream, to).await
}

async fn socks_proxy(
    mut stream: TcpStream,
    to: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
) -> Option<()> {
    let [_, methods] = bytes(&mut stream).await?;
    let mut offered = vec![0; methods.into()];
    stream.read_exact(&mut offered).await.ok()?;
    if !offered.contains(&2) {
        return stream.write_all(&[5, 255]).await.ok();
    }
    stream.write_all(&[5, 2]).await.ok()?;
    bytes::<1>(&mut stream).await?;
    let login = format!("{}:{}", text(&mut stream).await?, text(&mut stream).await?);
    if login != LOGIN {
        return stream.write_all(&[1, 1]).await.ok();
    }
    stream.write_all(&[1, 0]).await.ok()?;
    // Only names are taken: 3 says that one follows.
    let [5, 1, 0, 3] = bytes(&mut stream).await? else {
        return stream.write_all(&[5, 8, 0, 1, 0, 0, 0, 0, 0, 0]).await.ok();
    };
    let name = text(&mut stream).await?;
    let port = u16::from_be_bytes(bytes(&mut stream).await?);
    asked.lock().ok()?.push(format!("{name}:{port}"));
    stream
        .write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])
        .await
        .ok()?;
    forward(stream, to).await
}

async fn forward(mut stream: impl AsyncRead + AsyncWrite + Unpin, to: SocketAddr) -> Option<()> {
    let mut service = TcpStream::connect(to).await.ok()?;
    copy_bidirectional(&mut stream, &mut service)
        .await
        .ok()
        .map(drop)
}

async fn head(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut request).await.ok()? == 0 || !request[0].is_ascii_alphabetic() {
            return None;
        }
    }
    String::from_utf8(request).ok()
}

async fn bytes<const N: usize>(stream: &mut TcpStream) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).await.ok()?;
    Some(bytes)
}

/// A text behind its length.
async fn text(stream: &mut TcpStream) -> Option<String> {
    let [length] = bytes(stream).await?;
    let mut text = vec![0; length.into()];
    stream.read_exact(&mut text).await.ok()?;
    String::from_utf8(text).ok()
}
