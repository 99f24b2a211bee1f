//! Where an etcd is, and what it takes to be let in.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How long a cluster's prefix may be.
const LONGEST_PREFIX: usize = 128;

/// How to reach an etcd, as a manager keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EtcdAccess {
    /// URLs of its members, `https://host:2379`; any of them will do.
    pub endpoints: Vec<String>,
    /// What the keys of this cluster begin with.
    pub prefix: String,
    /// For `https`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<EtcdTls>,
}

/// Certificates, as PEM.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EtcdTls {
    /// Who must have signed the members' certificates.
    pub ca_pem: String,
    /// Who we are, if etcd asks for it: a certificate and its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<EtcdIdentity>,
}

/// A client certificate.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EtcdIdentity {
    /// The certificate, and those between it and the CA.
    pub cert_pem: String,
    /// Its private key.
    pub key_pem: String,
}

impl fmt::Debug for EtcdTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EtcdTls").field("identity", &self.identity).finish_non_exhaustive()
    }
}

impl fmt::Debug for EtcdIdentity {
    /// Keys do not belong into logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EtcdIdentity").finish_non_exhaustive()
    }
}

impl EtcdAccess {
    /// Says what is wrong with it before anything is asked.
    ///
    /// # Errors
    ///
    /// What is wrong, for a person.
    pub fn check(&self) -> Result<(), String> {
        if self.endpoints.is_empty() {
            return Err("there is no endpoint".into());
        }
        for endpoint in &self.endpoints {
            self.check_endpoint(endpoint)?;
        }
        let prefix = &self.prefix;
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.');
        if prefix.is_empty() || prefix.len() > LONGEST_PREFIX || !prefix.chars().all(fits) {
            return Err(format!(
                "the prefix `{prefix}` is not 1 to {LONGEST_PREFIX} letters, digits or `/-_.`"
            ));
        }
        Ok(())
    }

    fn check_endpoint(&self, endpoint: &str) -> Result<(), String> {
        match (endpoint.split_once("://"), &self.tls) {
            (Some(("https", _host)), None) => {
                Err(format!("{endpoint} needs the certificate of etcd's CA"))
            }
            (Some(("http", _host)), Some(_tls)) => {
                Err(format!("{endpoint} is not encrypted, but there are certificates: write https"))
            }
            (Some(("http" | "https", _host)), _) => Ok(()),
            _ => Err(format!("`{endpoint}` does not begin with https:// or http://")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(endpoint: &str, prefix: &str, tls: bool) -> EtcdAccess {
        let tls = tls.then(|| EtcdTls { ca_pem: String::new(), identity: None });
        EtcdAccess { endpoints: vec![endpoint.into()], prefix: prefix.into(), tls }
    }

    #[test]
    fn what_cannot_work_is_told_beforehand() {
        let cases = [
            (access("https://a:2379", "/weft", true), true),
            (access("http://a:2379", "weft-2/x.y_z", false), true),
            (access("https://a:2379", "/weft", false), false),
            (access("http://a:2379", "/weft", true), false),
            (access("a:2379", "/weft", false), false),
            (access("http://a:2379", "", false), false),
            (access("http://a:2379", "/weft:x", false), false),
            (EtcdAccess { endpoints: vec![], ..access("", "/weft", false) }, false),
        ];
        for (access, good) in cases {
            assert_eq!(access.check().is_ok(), good, "{access:?}");
        }
    }

    #[test]
    fn no_key_is_ever_printed() {
        let identity = EtcdIdentity { cert_pem: "secret".into(), key_pem: "secret".into() };
        let tls = EtcdTls { ca_pem: "secret".into(), identity: Some(identity) };
        assert!(!format!("{tls:?}").contains("secret"));
    }
}
