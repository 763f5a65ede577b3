//! What is wrong with a certificate.

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
            Self::Expired => "its certificate has expired",
            Self::NotYetValid => "its certificate is not valid yet",
            Self::UnknownIssuer => "nobody this computer trusts has signed its certificate",
            Self::WrongName => "its certificate is for another name",
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
            Self::Expired | Self::NotYetValid => "Check this computer's date and time.",
            Self::UnknownIssuer => {
                "If your network inspects traffic, install its certificate in this computer."
            }
            Self::WrongName => "Check the endpoint's spelling.",
            Self::Other(_) => "Tell the server's owner.",
        }
    }
}
