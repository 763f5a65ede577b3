//! TLS: the platform's trust, TLS 1.2 or newer, nothing to switch off.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls_platform_verifier::Verifier;
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use tracing::warn;

use super::fault::Fault;
use super::stream::Stream;
use super::trust::Trust;
use crate::base::text::t;
use crate::base::thread::aside;

/// Makes encrypted streams. The trusted certificates are read when the first one is asked for, and kept.
pub(super) struct Tls {
    extra_roots: Vec<CertificateDer<'static>>,
    trust: Trust,
    config: OnceCell<Arc<ClientConfig>>,
}

impl Tls {
    /// Trusts these besides those of the platform or of the environment.
    pub(super) fn new(extra_roots: Vec<CertificateDer<'static>>) -> Self {
        Self {
            extra_roots,
            trust: Trust::from_environment(),
            config: OnceCell::new(),
        }
    }

    /// Encrypts a stream to `host`.
    pub(super) async fn encrypt(&self, host: &str, stream: Stream) -> Result<Stream, Fault> {
        let config = self.config.get_or_try_init(|| self.load()).await?;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(bare.to_owned()).map_err(|_| Fault::NameNotFound {
            host: host.to_owned(),
        })?;
        let connector = TlsConnector::from(Arc::clone(config));
        match connector.connect(name, stream).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => Err(Fault::encrypting(host, &error)),
        }
    }

    /// Reads the trusted certificates: a folder of files, so not on a thread that others wait for.
    async fn load(&self) -> Result<Arc<ClientConfig>, Fault> {
        let (roots, trust) = (self.extra_roots.clone(), self.trust.clone());
        let broken = || Fault::NoRoots {
            why: t!("reading-them-broke-off").to_owned(),
        };
        aside("certificates", move || config(roots, &trust))
            .await
            .ok_or_else(broken)?
            .map(Arc::new)
    }
}

fn config(extra_roots: Vec<CertificateDer<'static>>, trust: &Trust) -> Result<ClientConfig, Fault> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = match trust.read()? {
        Some(mut trusted) => {
            for fault in &trusted.ignored {
                warn!(%fault, "a variable is ignored");
            }
            trusted.store.add_parsable_certificates(extra_roots);
            let roots = Arc::new(trusted.store);
            let verifier =
                WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider));
            verifier.build().map_err(|error| no_roots(&error))?
        }
        None => Arc::new(
            Verifier::new_with_extra_roots(extra_roots, Arc::clone(&provider))
                .map_err(|error| no_roots(&error))?,
        ),
    };
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| no_roots(&error))?
        .dangerous() // names the builder's method only: both verifiers check everything
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth())
}

fn no_roots(error: &dyn std::error::Error) -> Fault {
    let why = error.to_string();
    Fault::NoRoots { why }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    use rcgen::{
        BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
    };
    use rustls::ServerConfig;
    use rustls::pki_types::PrivateKeyDer;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;
    use url::Url;

    use crate::provider::connection::dial::{Dialer as _, TcpDialer};
    use crate::provider::connection::fault::CertificateProblem;
    use crate::provider::connection::reconnect::End;

    pub(in crate::provider) type Authority = CertifiedIssuer<'static, KeyPair>;

    #[tokio::test]
    async fn only_a_server_that_proves_who_it_is_is_talked_to() {
        let (ours, other) = (authority("ours"), authority("other"));
        assert_eq!(
            connect(&ours, certificate(&ours, "localhost", 2020, 4000)).await,
            Ok(())
        );
        let table = [
            (
                &other,
                "localhost",
                2020,
                4000,
                CertificateProblem::UnknownIssuer,
                "signed",
            ),
            (
                &ours,
                "localhost",
                2000,
                2001,
                CertificateProblem::Expired,
                "date and time",
            ),
            (
                &ours,
                "localhost",
                3999,
                4000,
                CertificateProblem::NotYetValid,
                "date and time",
            ),
            (
                &ours,
                "example.org",
                2020,
                4000,
                CertificateProblem::WrongName,
                "another name",
            ),
        ];
        for (signer, name, from, to, problem, word) in table {
            let fault = connect(&ours, certificate(signer, name, from, to))
                .await
                .expect_err(name);
            let host = "localhost".to_owned();
            assert_eq!(fault, Fault::Certificate { host, problem });
            let shown = format!("{fault}. {}", fault.hint());
            assert!(shown.contains(word), "{shown}");
            assert_eq!(fault.retry(), End::NeedsUser, "no storm of attempts");
        }
    }

    #[tokio::test]
    async fn a_server_without_tls_is_recognised() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let url = format!(
            "wss://localhost:{}/",
            listener.local_addr().expect("bound").port()
        );
        let server = async {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            stream
                .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                .await
                .expect("it reads");
            stream.read_u8().await.ok();
        };
        let dialer = TcpDialer::with_extra_roots(vec![authority("ours").der().clone()]);
        let dial = dialer.dial(Url::parse(&url).expect("an address"));
        let (opened, ()) = tokio::join!(dial, server);
        let fault = opened.err().expect("no TLS");
        assert_eq!(
            fault.to_string(),
            "no encrypted connection to localhost: what answers does not speak TLS"
        );
    }

    /// Dials a server with this certificate, trusting this authority besides the platform's.
    async fn connect(trusted: &Authority, server: ServerConfig) -> Result<(), Fault> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let url = format!(
            "wss://localhost:{}/",
            listener.local_addr().expect("bound").port()
        );
        let acceptor = TlsAcceptor::from(Arc::new(server));
        let serve = async {
            let (stream, _) = listener.accept().await.expect("a connection");
            if let Ok(mut stream) = acceptor.accept(stream).await {
                stream.write_all(b"hello").await.expect("it reads");
            }
        };
        let dialer = TcpDialer::with_extra_roots(vec![trusted.der().clone()]);
        let dial = async {
            let mut opened = dialer.dial(Url::parse(&url).expect("an address")).await?;
            let mut hello = [0; 5];
            opened
                .stream
                .read_exact(&mut hello)
                .await
                .expect("an open stream");
            assert_eq!(&hello, b"hello");
            Ok(())
        };
        tokio::join!(dial, serve).0
    }

    pub(in crate::provider) fn authority(name: &str) -> Authority {
        let mut params = CertificateParams::new([]).expect("no names");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("randomness");
        CertifiedIssuer::self_signed(params, key).expect("a valid authority")
    }

    /// A server whose certificate is for `name` and holds from the first day of one year to that of another.
    pub(in crate::provider) fn certificate(
        signer: &Authority,
        name: &str,
        from: i32,
        to: i32,
    ) -> ServerConfig {
        let mut params = CertificateParams::new([name.to_owned()]).expect("a name");
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(to, 1, 1);
        let key = KeyPair::generate().expect("randomness");
        let certificate = params.signed_by(&key, signer).expect("a valid certificate");
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key just made");
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring knows them")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("the key fits")
    }
}
