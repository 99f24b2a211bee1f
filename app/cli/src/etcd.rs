//! An etcd as people type it: where it is, and the files with its certificates.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use weft_api::EtcdChoice;

use crate::failure::Failure;

/// Who is to keep the registry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Place {
    /// The managers themselves.
    #[default]
    Embedded,
    /// An etcd with these members.
    Etcd(Vec<String>),
}

/// `embedded`, or `etcd=URL[,URL…]`.
pub(crate) fn parse_store(text: &str) -> Result<Place, String> {
    if text == "embedded" {
        return Ok(Place::Embedded);
    }
    let urls = text.strip_prefix("etcd=").ok_or_else(|| {
        format!("`{text}` is no store: embedded and etcd=https://HOST:2379[,…] are")
    })?;
    let urls: Vec<String> = urls.split(',').map(|url| url.trim().to_owned()).collect();
    let wrong = urls.iter().find(|url| !url.starts_with("https://") && !url.starts_with("http://"));
    match wrong {
        Some(url) => Err(format!("`{url}` is no URL of an etcd: https://HOST:2379 is one")),
        None => Ok(Place::Etcd(urls)),
    }
}

/// How an etcd is asked.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "With etcd")]
pub(crate) struct EtcdFiles {
    /// Certificate of the CA that etcd's certificates are of, PEM
    #[arg(long, value_name = "FILE")]
    etcd_ca: Option<PathBuf>,
    /// Certificate that etcd knows the managers by, PEM
    #[arg(long, value_name = "FILE", requires = "etcd_key")]
    etcd_cert: Option<PathBuf>,
    /// Private key of that certificate, PEM
    #[arg(long, value_name = "FILE", requires = "etcd_cert")]
    etcd_key: Option<PathBuf>,
    /// What the cluster's keys begin with, for an etcd that others use, too [default: /weft]
    #[arg(long, value_name = "PREFIX")]
    etcd_prefix: Option<String>,
}

impl EtcdFiles {
    /// The etcd, if it is one that was chosen; with the files' content, which the managers keep.
    pub(crate) fn choice(self, place: Place) -> Result<Option<EtcdChoice>, Failure> {
        let Place::Etcd(endpoints) = place else { return self.none() };
        let read = |file: Option<PathBuf>| file.as_deref().map(read).transpose();
        Ok(Some(EtcdChoice {
            endpoints,
            prefix: self.etcd_prefix,
            ca_pem: read(self.etcd_ca)?,
            cert_pem: read(self.etcd_cert)?,
            key_pem: read(self.etcd_key)?,
        }))
    }

    fn none(self) -> Result<Option<EtcdChoice>, Failure> {
        let files = [self.etcd_ca, self.etcd_cert, self.etcd_key];
        if files.iter().all(Option::is_none) && self.etcd_prefix.is_none() {
            return Ok(None);
        }
        let why = "the flags --etcd-… say how an etcd is asked, but none was chosen";
        let hint = "add --store etcd=https://HOST:2379, or leave them out";
        Err(Failure::usage("choose a store", why, hint))
    }
}

fn read(file: &Path) -> Result<String, Failure> {
    fs::read_to_string(file).map_err(|error| {
        let what = format!("read {}", file.display());
        Failure::local(&what, &error, "name a PEM file that may be read")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_embedded_or_an_etcd_at_urls() {
        assert_eq!(parse_store("embedded"), Ok(Place::Embedded));
        let two = Place::Etcd(vec!["https://a:2379".into(), "http://b:2379".into()]);
        assert_eq!(parse_store("etcd=https://a:2379, http://b:2379"), Ok(two));
        for wrong in ["consul", "etcd", "etcd=", "etcd=a:2379", "etcd=https://a,"] {
            assert!(parse_store(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn files_without_an_etcd_are_a_mistake_and_missing_ones_are_told() {
        let files = EtcdFiles { etcd_ca: Some("/nowhere/ca.pem".into()), ..EtcdFiles::default() };
        assert!(files.clone().choice(Place::Embedded).is_err());
        let place = Place::Etcd(vec!["https://a:2379".into()]);
        let missing = files.choice(place.clone()).unwrap_err();
        assert!(format!("{missing:?}").contains("/nowhere/ca.pem"), "{missing:?}");
        let plain = EtcdFiles::default().choice(place).unwrap().unwrap();
        assert_eq!(plain.endpoints, ["https://a:2379"]);
        assert_eq!(EtcdFiles::default().choice(Place::Embedded).unwrap(), None);
    }
}
