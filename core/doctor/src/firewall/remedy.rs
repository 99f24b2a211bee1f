//! What to type so that a chain lets a packet through, in the words of who made the chain.

use super::packet::{Packet, Way};
use super::ruleset::Chain;

/// The table of firewalld's that is there while it lets nothing new in.
const FIREWALLD_CLOSED: &str = "firewalld_policy_drop";

pub(super) fn of(chain: Chain<'_>, packet: &Packet) -> String {
    let Chain { family, table, name, .. } = chain;
    let protocol = packet.protocol();
    let peers = match packet.way {
        Way::In(_) => "; from the other hosts alone if you can",
        Way::Out(_) | Way::Across { .. } => "",
    };
    match (family, table, packet.port()) {
        (_, FIREWALLD_CLOSED, _) if name.starts_with("raw_") => {
            "`firewall-cmd --panic-off`".to_owned()
        }
        (_, FIREWALLD_CLOSED, _) => {
            "wait: firewalld lets in replies only while it loads its rules \
             anew; if that table stays, `systemctl restart firewalld`"
                .to_owned()
        }
        (_, "firewalld", Some(port)) => {
            format!(
                "`firewall-cmd --permanent --add-port={port}/{protocol} && firewall-cmd --reload`"
            )
        }
        ("ip" | "ip6", "filter", port) => {
            let command = if family == "ip" { "iptables" } else { "ip6tables" };
            let to = port.map_or_else(String::new, |port| format!(" --dport {port}"));
            let ufw = match (name, port) {
                ("INPUT", Some(port)) => format!(", or with ufw `ufw allow {port}/{protocol}`"),
                _ => String::new(),
            };
            format!("`{command} -I {name} -p {protocol}{to} -j ACCEPT`{ufw}{peers}")
        }
        (_, _, port) => {
            let of = port.map_or_else(
                || format!("meta l4proto {protocol}"),
                |port| format!("{protocol} dport {port}"),
            );
            format!(
                "`nft insert rule {family} {table} {name} {of} accept`, and where your rules are \
                 kept{peers}"
            )
        }
    }
}
