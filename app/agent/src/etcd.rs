//! Where an etcd is, as people say it: at `weft init`, at `weft store move`, in the configuration.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use weft_api::{EtcdChoice, ProblemKind};
use weft_store::{EtcdAccess, EtcdFault, EtcdIdentity, EtcdTls, StoreError};

use crate::problem::{Answer, Told, because, problem};

/// What the keys of a cluster begin with, unless told otherwise.
const PREFIX: &str = "/weft";

/// `[store]` in the configuration file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoreSection {
    /// URLs of its members.
    etcd: Vec<String>,
    /// What the keys begin with.
    prefix: Option<String>,
    /// Files of PEM.
    ca: Option<PathBuf>,
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
}

impl StoreSection {
    /// Reads the files that it names.
    pub(crate) fn access(self) -> anyhow::Result<EtcdAccess> {
        let read = |file: Option<PathBuf>| file.as_deref().map(read).transpose();
        let choice = EtcdChoice {
            endpoints: self.etcd,
            prefix: self.prefix,
            ca_pem: read(self.ca)?,
            cert_pem: read(self.cert)?,
            key_pem: read(self.key)?,
        };
        Ok(access(&choice).map_err(Told)?)
    }
}

fn read(file: &Path) -> anyhow::Result<String> {
    let text = fs::read_to_string(file).map_err(|error| {
        let what =
            format!("cannot read {}, which the configuration names for etcd", file.display());
        Told(because(ProblemKind::BadInput, what, &error, "name a PEM file that may be read"))
    })?;
    Ok(text)
}

/// How a manager reaches the etcd that was chosen.
///
/// # Errors
///
/// What cannot work, before anything is asked.
pub(crate) fn access(choice: &EtcdChoice) -> Answer<EtcdAccess> {
    let identity = match (&choice.cert_pem, &choice.key_pem) {
        (Some(cert_pem), Some(key_pem)) => {
            Some(EtcdIdentity { cert_pem: cert_pem.clone(), key_pem: key_pem.clone() })
        }
        (None, None) => None,
        _one_alone => {
            let what = "a certificate for etcd is of no use without its key, nor a key without it";
            return Err(problem(ProblemKind::BadInput, what, "name both"));
        }
    };
    let tls = match (&choice.ca_pem, identity) {
        (Some(ca_pem), identity) => Some(EtcdTls { ca_pem: ca_pem.clone(), identity }),
        (None, None) => None,
        (None, Some(_)) => {
            let what = "a certificate for etcd is of no use without that of etcd's CA";
            return Err(problem(ProblemKind::BadInput, what, "name the CA's certificate, too"));
        }
    };
    let prefix = choice.prefix.clone().unwrap_or_else(|| PREFIX.to_owned());
    let access = EtcdAccess { endpoints: choice.endpoints.clone(), prefix, tls };
    access.check().map_err(|wrong| {
        let error = StoreError::from(EtcdFault::Settings(wrong));
        problem(ProblemKind::BadInput, error.to_string(), SETTINGS)
    })?;
    Ok(access)
}

const SETTINGS: &str = "name members as https://HOST:2379 with the certificate of etcd's CA, or as http://HOST:2379 without";

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(endpoint: &str) -> EtcdChoice {
        EtcdChoice {
            endpoints: vec![endpoint.to_owned()],
            prefix: None,
            ca_pem: None,
            cert_pem: None,
            key_pem: None,
        }
    }

    #[test]
    fn what_cannot_work_is_told_before_anything_is_asked() {
        let plain = choice("http://192.0.2.1:2379");
        assert_eq!(access(&plain).unwrap().prefix, "/weft");
        let secured = EtcdChoice { ca_pem: Some("ca".into()), ..choice("https://192.0.2.1:2379") };
        assert!(access(&secured).unwrap().tls.unwrap().identity.is_none());
        let half = EtcdChoice { cert_pem: Some("c".into()), ..secured.clone() };
        let pair = EtcdChoice { key_pem: Some("k".into()), ..half.clone() };
        assert!(access(&pair).unwrap().tls.unwrap().identity.is_some());
        let wrong = [
            half,
            EtcdChoice { ca_pem: None, ..pair },
            choice("https://192.0.2.1:2379"),
            choice("192.0.2.1:2379"),
            EtcdChoice { prefix: Some("a b".into()), ..plain },
        ];
        for choice in wrong {
            let problem = access(&choice).unwrap_err();
            assert_eq!(problem.kind, ProblemKind::BadInput, "{problem}");
            assert!(!problem.hint.is_empty());
        }
    }
}
