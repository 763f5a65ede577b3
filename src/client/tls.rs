//! TLS: the platform's trust, TLS 1.2 or newer, nothing to switch off.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls_platform_verifier::Verifier;
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;

use super::dial::Stream;
use super::error::Fault;

/// Makes encrypted streams. The trusted certificates are read when the first one is asked for, and kept.
#[derive(Default)]
pub(super) struct Tls {
    extra_roots: Vec<CertificateDer<'static>>,
    config: OnceCell<Arc<ClientConfig>>,
}

impl Tls {
    /// Trusts these besides the platform's.
    pub(super) fn with_extra_roots(extra_roots: Vec<CertificateDer<'static>>) -> Self {
        Self {
            extra_roots,
            ..Self::default()
        }
    }

    /// Encrypts a stream to `host`.
    ///
    /// # Errors
    /// No trusted certificates, or the server is not who it should be.
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
        let roots = self.extra_roots.clone();
        let no_roots = |why: String| Fault::NoRoots { why };
        tokio::task::spawn_blocking(move || config(roots))
            .await
            .map_err(|error| no_roots(error.to_string()))?
            .map(Arc::new)
            .map_err(|error| no_roots(error.to_string()))
    }
}

fn config(extra_roots: Vec<CertificateDer<'static>>) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Verifier::new_with_extra_roots(extra_roots, Arc::clone(&provider))?;
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous() // names the builder's method only: the platform verifier checks everything
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}
