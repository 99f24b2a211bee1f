//! Real etcds on loopback, each with a directory of its own.

#[path = "../../../../test/loopback.rs"]
mod loopback;

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use loopback::own_loopback;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use weft_store::{EtcdAccess, EtcdIdentity, EtcdTls};

/// Some etcds that are one; they end with this.
#[derive(Debug)]
pub(crate) struct Etcds {
    dir: tempfile::TempDir,
    host: Ipv4Addr,
    members: Vec<Member>,
    secured: Option<Certificates>,
}

#[derive(Debug)]
struct Member {
    client: u16,
    peer: u16,
    process: Option<Child>,
}

impl Etcds {
    /// Starts them; nobody waits until they answer.
    pub(crate) fn start(count: usize) -> Self {
        Self::make(count, own_loopback(), None)
    }

    /// The same, asked by TLS only, and by those who have a certificate.
    pub(crate) fn start_secured(count: usize) -> Self {
        let host = own_loopback();
        Self::make(count, host, Some(Certificates::new(host)))
    }

    fn make(count: usize, host: Ipv4Addr, secured: Option<Certificates>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        if let Some(certificates) = &secured {
            certificates.write(dir.path());
        }
        let member = |(client, peer)| Member { client, peer, process: None };
        let members = (2379..).step_by(2).zip((2380..).step_by(2)).take(count).map(member);
        let mut etcds = Self { dir, host, members: members.collect(), secured };
        (0..count).for_each(|at| etcds.run(at));
        etcds
    }

    pub(crate) fn access(&self) -> EtcdAccess {
        let endpoints = self.members.iter().map(|member| self.url(member.client)).collect();
        let tls = self.secured.as_ref().map(Certificates::tls);
        EtcdAccess { endpoints, prefix: "/weft/test".into(), tls }
    }

    /// Starts a member again.
    pub(crate) fn run(&mut self, at: usize) {
        let log = fs::File::create(self.path(at, "log")).unwrap();
        let member = &self.members[at];
        let (client, peer) = (self.url(member.client), self.peer_url(member));
        let all: Vec<_> = self.members.iter().enumerate().collect();
        let all: Vec<_> = all.iter().map(|(at, m)| format!("m{at}={}", self.peer_url(m))).collect();
        let mut command = Command::new("etcd");
        command.args(["--name", &format!("m{at}"), "--data-dir"]).arg(self.path(at, "data"));
        command.args(["--listen-client-urls", &client, "--advertise-client-urls", &client]);
        command.args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
        command.args(["--initial-cluster", &all.join(",")]);
        command.args(["--heartbeat-interval", "50", "--election-timeout", "500"]);
        if self.secured.is_some() {
            let file = |name: &str| self.dir.path().join(name);
            command.arg("--cert-file").arg(file("server.pem"));
            command.arg("--key-file").arg(file("server.key"));
            command.arg("--trusted-ca-file").arg(file("ca.pem")).arg("--client-cert-auth");
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let process = command.spawn().expect("etcd runs: it comes with `make setup`");
        self.members[at].process = Some(process);
    }

    /// Ends a member without a word.
    pub(crate) fn kill(&mut self, at: usize) {
        if let Some(mut process) = self.members[at].process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// It does nothing until it is resumed.
    pub(crate) fn pause(&self, at: usize) {
        self.signal(at, Signal::SIGSTOP);
    }

    pub(crate) fn resume(&self, at: usize) {
        self.signal(at, Signal::SIGCONT);
    }

    /// A member forgets everything.
    pub(crate) fn wipe(&mut self, at: usize) {
        self.kill(at);
        fs::remove_dir_all(self.path(at, "data")).unwrap();
    }

    /// Runs etcdctl.
    pub(crate) fn etcdctl(&self, arguments: &[&str]) -> String {
        let endpoints = self.access().endpoints.join(",");
        let mut command = Command::new("etcdctl");
        command.env("ETCDCTL_API", "3").args(["--endpoints", &endpoints]).args(arguments);
        let output = command.output().expect("etcdctl runs: it comes with `make setup`");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn signal(&self, at: usize, signal: Signal) {
        let process = self.members[at].process.as_ref().unwrap();
        kill(Pid::from_raw(i32::try_from(process.id()).unwrap()), signal).unwrap();
    }

    fn url(&self, port: u16) -> String {
        let scheme = if self.secured.is_some() { "https" } else { "http" };
        format!("{scheme}://{}:{port}", self.host)
    }

    fn peer_url(&self, member: &Member) -> String {
        format!("http://{}:{}", self.host, member.peer)
    }

    fn path(&self, at: usize, what: &str) -> PathBuf {
        self.dir.path().join(format!("m{at}.{what}"))
    }
}

impl Drop for Etcds {
    fn drop(&mut self) {
        (0..self.members.len()).for_each(|at| self.kill(at));
    }
}

/// A CA, and what it has signed.
#[derive(Debug)]
struct Certificates {
    ca: String,
    server: EtcdIdentity,
    client: EtcdIdentity,
}

impl Certificates {
    fn new(host: Ipv4Addr) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let sign = |usage: &[ExtendedKeyUsagePurpose]| {
            let mut params = CertificateParams::new([host.to_string()]).unwrap();
            params.extended_key_usages = usage.to_vec();
            let key = KeyPair::generate().unwrap();
            let cert_pem = params.signed_by(&key, &ca).unwrap().pem();
            EtcdIdentity { cert_pem, key_pem: key.serialize_pem() }
        };
        // Etcd asks itself, too, with the certificate that it serves with.
        let (serve, ask) =
            (ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth);
        let server = sign(&[serve, ask.clone()]);
        Self { ca: ca.pem(), server, client: sign(&[ask]) }
    }

    fn write(&self, dir: &Path) {
        fs::write(dir.join("ca.pem"), &self.ca).unwrap();
        fs::write(dir.join("server.pem"), &self.server.cert_pem).unwrap();
        fs::write(dir.join("server.key"), &self.server.key_pem).unwrap();
    }

    fn tls(&self) -> EtcdTls {
        EtcdTls { ca_pem: self.ca.clone(), identity: Some(self.client.clone()) }
    }
}
