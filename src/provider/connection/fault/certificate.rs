//! What is wrong with a certificate.

use crate::base::text::t;

/// Why a certificate proves nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateProblem {
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// Nobody this computer trusts has signed it.
    UnknownIssuer,
    WrongName,
    /// Another problem, in the words of the TLS library.
    Other(String),
}

impl std::fmt::Display for CertificateProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Expired => t!("its-certificate-has-expired"),
            Self::NotYetValid => t!("its-certificate-is-not-valid"),
            Self::UnknownIssuer => t!("nobody-this-computer-trusts"),
            Self::WrongName => t!("its-certificate-is-for-another"),
            Self::Other(why) => why,
        })
    }
}

impl CertificateProblem {
    pub(super) fn of(error: &rustls::CertificateError) -> Self {
        use rustls::CertificateError as E;
        if matches!(error, E::Expired | E::ExpiredContext { .. }) {
            Self::Expired
        } else if matches!(error, E::NotValidYet | E::NotValidYetContext { .. }) {
            Self::NotYetValid
        } else if matches!(error, E::UnknownIssuer | E::BadSignature) {
            Self::UnknownIssuer
        } else if matches!(error, E::NotValidForName | E::NotValidForNameContext { .. }) {
            Self::WrongName
        } else {
            Self::Other(error.to_string())
        }
    }

    pub(super) fn hint(&self) -> &'static str {
        match self {
            Self::Expired | Self::NotYetValid => t!("check-this-computers-date"),
            Self::UnknownIssuer => {
                t!("if-your-network-inspects")
            }
            Self::WrongName => t!("check-the-endpoints-spelling"),
            Self::Other(_) => t!("tell-the-servers-owner"),
        }
    }
}
