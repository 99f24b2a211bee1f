//! A Docker container of a lab's host.

use std::time::Duration;

use anyhow::Context as _;
use weft_kernel::Netns;
use weft_lab::{Host, IMAGE, Output};

use crate::holds;

/// A container that runs until it is removed.
#[derive(Debug)]
pub struct Container<'a> {
    /// Where it runs.
    pub host: &'a Host,
    /// What Docker calls it.
    pub name: String,
}

/// What `ping` counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ping {
    /// Requests.
    pub sent: u32,
    /// Answers.
    pub received: u32,
}

impl<'a> Container<'a> {
    /// Starts a container; `arguments` go before the image's name.
    ///
    /// # Errors
    ///
    /// If Docker does not start it.
    pub async fn start(
        host: &'a Host,
        network: &str,
        name: &str,
        arguments: &[&str],
    ) -> anyhow::Result<Self> {
        let run = ["docker", "run", "-d", "--network", network, "--name", name];
        let forever = [IMAGE, "sleep", "100000"];
        host.run(&[&run, arguments, &forever].concat()).await?;
        Ok(Self { host, name: name.to_owned() })
    }

    /// Runs a program inside, whether it ends well or not.
    ///
    /// # Errors
    ///
    /// If it cannot be run or takes longer than a minute.
    pub async fn exec(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        let exec = ["docker", "exec", &self.name];
        Ok(self.host.exec_within(Duration::from_secs(60), &[&exec, arguments].concat()).await?)
    }

    /// What a program inside wrote; it has to end well.
    ///
    /// # Errors
    ///
    /// If it fails.
    pub async fn run(&self, arguments: &[&str]) -> anyhow::Result<String> {
        Ok(self.host.run(&[&["docker", "exec", &self.name], arguments].concat()).await?)
    }

    /// Its address on a network.
    ///
    /// # Errors
    ///
    /// If it is not on it.
    pub async fn address(&self, network: &str) -> anyhow::Result<String> {
        let format = format!("{{{{(index .NetworkSettings.Networks \"{network}\").IPAddress}}}}");
        let address = self.host.docker(&["inspect", "-f", &format, &self.name]).await?;
        Ok(address.trim().to_owned())
    }

    /// Its network namespace; it can be held beyond the container's end.
    ///
    /// # Errors
    ///
    /// If it does not run.
    pub async fn netns(&self) -> anyhow::Result<Netns> {
        let pid = self.host.docker(&["inspect", "-f", "{{.State.Pid}}", &self.name]).await?;
        let path = self.host.root().join(format!("proc/{}/ns/net", pid.trim()));
        Netns::open(&path).with_context(|| format!("the namespace of {}", self.name))
    }

    /// The addresses that a name has for it, in order; empty if it has none.
    ///
    /// # Errors
    ///
    /// If the question cannot be asked.
    pub async fn resolve(&self, name: &str) -> anyhow::Result<Vec<String>> {
        let out = self.exec(&["nslookup", "-type=a", name, "127.0.0.11"]).await?;
        Ok(answers(&out.stdout))
    }

    /// Pings once a tenth of a second.
    ///
    /// # Errors
    ///
    /// If ping cannot be run or says something unexpected.
    pub async fn ping(&self, to: &str, count: u32) -> anyhow::Result<Ping> {
        let count = count.to_string();
        let out = self.exec(&["ping", "-i", "0.1", "-W", "1", "-c", &count, to]).await?;
        counted(&out.stdout).with_context(|| format!("ping {to}: {} {}", out.stdout, out.stderr))
    }

    /// Another one answers it, by its name or an address.
    ///
    /// # Errors
    ///
    /// If there is no answer within a second.
    pub async fn reaches(&self, to: &str) -> anyhow::Result<()> {
        let ping = self.ping(to, 1).await?;
        holds(ping.received == 1, || format!("{to} does not answer {}", self.name))
    }

    /// Removes it at once.
    ///
    /// # Errors
    ///
    /// If Docker does not.
    pub async fn remove(self) -> anyhow::Result<()> {
        self.host.docker(&["rm", "-f", &self.name]).await?;
        Ok(())
    }
}

/// `3 packets transmitted, 3 packets received, 0% packet loss`.
pub(crate) fn counted(text: &str) -> Option<Ping> {
    let line = text.lines().find(|line| line.contains("packets transmitted"))?;
    let mut numbers = line.split(',').filter_map(|part| part.split_whitespace().next());
    let sent = numbers.next()?.parse().ok()?;
    Some(Ping { sent, received: numbers.next()?.parse().ok()? })
}

/// The `Address` lines of busybox's nslookup, the server's own one left out.
fn answers(text: &str) -> Vec<String> {
    let lines = text.lines().skip_while(|line| !line.starts_with("Name:"));
    let mut found: Vec<String> = lines
        .filter_map(|line| line.strip_prefix("Address"))
        .filter_map(|rest| rest.split_once(':'))
        .filter_map(|(_, address)| address.split_whitespace().next().map(str::to_owned))
        .collect();
    found.sort();
    found
}
