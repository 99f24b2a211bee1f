//! An etcd on one of the hosts, that is asked by TLS and only with a certificate.

use std::net::Ipv4Addr;

use anyhow::Context as _;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use weft_lab::Host;

/// Where an etcd has its files, on the disk of its host; on others, the certificates alone.
const DIR: &str = "/var/lib/weft.etcd";

/// It ends with its host.
#[derive(Debug)]
pub struct Etcd<'a> {
    host: &'a Host,
    pid: String,
}

impl<'a> Etcd<'a> {
    /// Makes the certificates, gives them to all `hosts`, and starts it on `host`.
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    pub async fn start(host: &'a Host, hosts: &[&Host]) -> anyhow::Result<Self> {
        Self::certify(host.address(), hosts).await?;
        Self::start_again(host).await
    }

    /// Starts it on `host`, with the certificates that are there.
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    pub async fn start_again(host: &'a Host) -> anyhow::Result<Self> {
        let mut etcd = Self { host, pid: String::new() };
        etcd.run().await?;
        Ok(etcd)
    }

    /// Gives certificates of a new CA to `hosts`, for an etcd at `address`.
    ///
    /// # Errors
    ///
    /// If they cannot be made or written.
    pub async fn certify(address: Ipv4Addr, hosts: &[&Host]) -> anyhow::Result<()> {
        let files = files(address)?;
        for host in hosts {
            let dir = host.root().join(DIR.trim_start_matches('/'));
            tokio::fs::create_dir_all(&dir).await?;
            for (name, text) in &files {
                tokio::fs::write(dir.join(name), text).await.with_context(|| name.clone())?;
            }
        }
        Ok(())
    }

    /// Where it answers.
    #[must_use]
    pub fn url(&self) -> String {
        url(self.host)
    }

    /// What chooses the etcd of `host`, after the flag that does.
    #[must_use]
    pub fn flags(host: &Host) -> Vec<String> {
        let file = |name: &str| format!("{DIR}/{name}");
        let flags = [
            format!("etcd={}", url(host)),
            "--etcd-ca".into(),
            file("ca.pem"),
            "--etcd-cert".into(),
            file("client.pem"),
            "--etcd-key".into(),
            file("client.key"),
        ];
        flags.into()
    }

    /// The section of `weft.toml` that names the etcd of `host`.
    #[must_use]
    pub fn section(host: &Host, prefix: &str) -> String {
        let file = |name: &str| format!("{DIR}/{name}");
        let (url, ca, cert, key) =
            (url(host), file("ca.pem"), file("client.pem"), file("client.key"));
        format!(
            "[store]\netcd = [{url:?}]\nprefix = {prefix:?}\nca = {ca:?}\ncert = {cert:?}\nkey = {key:?}\n"
        )
    }

    /// Starts it again, with what it had.
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    pub async fn run(&mut self) -> anyhow::Result<()> {
        let (url, at) = (self.url(), self.host.address());
        let run = format!(
            "etcd --name e --data-dir {DIR}/data --heartbeat-interval 50 --election-timeout 500 \
             --listen-client-urls {url} --advertise-client-urls {url} \
             --listen-peer-urls http://{at}:2380 --initial-advertise-peer-urls http://{at}:2380 \
             --initial-cluster e=http://{at}:2380 --client-cert-auth --trusted-ca-file {DIR}/ca.pem \
             --cert-file {DIR}/server.pem --key-file {DIR}/server.key \
             </dev/null >>{DIR}/log 2>&1 & echo $!"
        );
        self.pid = self.host.run(&["sh", "-c", &run]).await?.trim().to_owned();
        Ok(())
    }

    /// Ends it without a word.
    ///
    /// # Errors
    ///
    /// If it does not run.
    pub async fn kill(&self) -> anyhow::Result<()> {
        self.host.run(&["kill", "-9", &self.pid]).await?;
        Ok(())
    }

    /// It does nothing and closes nothing until it is resumed.
    ///
    /// # Errors
    ///
    /// If it does not run.
    pub async fn pause(&self) -> anyhow::Result<()> {
        self.host.run(&["kill", "-STOP", &self.pid]).await?;
        Ok(())
    }

    /// It goes on.
    ///
    /// # Errors
    ///
    /// If it does not run.
    pub async fn resume(&self) -> anyhow::Result<()> {
        self.host.run(&["kill", "-CONT", &self.pid]).await?;
        Ok(())
    }

    /// The keys that it holds.
    ///
    /// # Errors
    ///
    /// If it does not answer.
    pub async fn keys(&self) -> anyhow::Result<Vec<String>> {
        let (url, file) = (self.url(), |name: &str| format!("{DIR}/{name}"));
        let (ca, cert, key) = (file("ca.pem"), file("client.pem"), file("client.key"));
        let asked = ["env", "ETCDCTL_API=3", "etcdctl", "--endpoints", &url, "--cacert", &ca];
        let shown = ["--cert", &cert, "--key", &key, "get", "", "--prefix", "--keys-only"];
        let told = self.host.run(&[&asked[..], &shown[..]].concat()).await?;
        Ok(told.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect())
    }
}

fn url(host: &Host) -> String {
    format!("https://{}:2379", host.address())
}

/// A CA, and what it has signed, by the names of files.
fn files(address: Ipv4Addr) -> anyhow::Result<Vec<(String, String)>> {
    let mut params = CertificateParams::new([])?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
    let mut files = vec![("ca.pem".to_owned(), ca.pem())];
    let (serve, ask) = (ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth);
    // Etcd asks itself, too, with the certificate that it serves with.
    for (name, usages) in [("server", vec![serve, ask.clone()]), ("client", vec![ask])] {
        let mut params = CertificateParams::new([address.to_string()])?;
        params.extended_key_usages = usages;
        let key = KeyPair::generate()?;
        files.push((format!("{name}.pem"), params.signed_by(&key, &ca)?.pem()));
        files.push((format!("{name}.key"), key.serialize_pem()));
    }
    Ok(files)
}
