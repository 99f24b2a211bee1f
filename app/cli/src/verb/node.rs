//! `weft node`: the cluster's hosts.

use clap::Subcommand;
use weft_api::{Client, NodeRemove, NodeView, RoleChange, RoleChanged};
use weft_model::Role;

use super::Outcome;
use crate::display::{short, standing_tone};
use crate::paint::{Paint, Tone};
use crate::session::Session;
use crate::sheet::Sheet;
use crate::table::{Table, plain};

/// List, inspect, promote, demote and remove the cluster's hosts
#[derive(Debug, Subcommand)]
pub(crate) enum Node {
    /// List the cluster's hosts
    #[command(visible_alias = "list")]
    Ls,
    /// Show one host
    Inspect {
        /// Name, id, or the beginning of an id
        node: String,
    },
    /// Make hosts managers: they keep the registry, and a majority of them decides
    ///
    /// One, three or five are advised: with three, one may be lost and all goes on; with five, two.
    Promote {
        /// Names, ids, or beginnings of ids
        #[arg(required = true)]
        nodes: Vec<String>,
    },
    /// Make managers workers again: they give back their seats and the CA's key
    Demote {
        /// Names, ids, or beginnings of ids
        #[arg(required = true)]
        nodes: Vec<String>,
    },
    /// Remove hosts that will not come back; their address blocks become free
    Rm {
        /// Names, ids, or beginnings of ids
        #[arg(required = true)]
        nodes: Vec<String>,
        /// Remove even what is connected or has endpoints
        #[arg(long, short)]
        force: bool,
    },
}

impl Node {
    pub(crate) async fn run(self, session: &mut Session) -> Outcome {
        match self {
            Self::Ls => ls(session).await,
            Self::Inspect { node } => inspect(session, &node).await,
            Self::Promote { nodes } => change(session, &nodes, Role::Manager).await,
            Self::Demote { nodes } => change(session, &nodes, Role::Worker).await,
            Self::Rm { nodes, force } => rm(session, &nodes, NodeRemove { force }).await,
        }
    }
}

async fn ls(session: &mut Session) -> Outcome {
    let mut nodes = session.ask("list nodes", async |c| c.nodes().await).await?;
    nodes.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
    session.output.show(&nodes, |paint| table(&nodes, paint))
}

async fn inspect(session: &mut Session, node: &str) -> Outcome {
    let what = format!("inspect node {node}");
    let node = session.ask(&what, async |c| c.node(node).await).await?;
    session.output.show(&node, |paint| sheet(&node, paint))
}

/// One after the other, since each changes what a majority is.
async fn change(session: &mut Session, nodes: &[String], role: Role) -> Outcome {
    let verb = if role == Role::Manager { "promote" } else { "demote" };
    let mut changed = Vec::new();
    for node in nodes {
        let what = format!("{verb} node {node}");
        let asked = async |c: Client| c.change_role(node, RoleChange { role }).await;
        match session.ask(&what, asked).await {
            Ok(done) => changed.push(done),
            Err(failure) => session.report(&failure),
        }
    }
    session.output.show(&changed, |paint| roles(&changed, paint))
}

fn roles(changed: &[RoleChanged], paint: Paint) -> String {
    let line =
        |done: &RoleChanged| format!("{} is a {} now\n", done.node.name, role(done.node.role));
    let told: String = changed.iter().map(line).collect();
    match changed.last().and_then(|done| done.note.as_ref()) {
        Some(note) => format!("{told}{} {note}\n", paint.tone(Tone::Good, "note:")),
        None => told,
    }
}

async fn rm(session: &mut Session, nodes: &[String], remove: NodeRemove) -> Outcome {
    let mut removed = Vec::new();
    for node in nodes {
        let what = format!("remove node {node}");
        match session.ask(&what, async |c| c.remove_node(node, remove).await).await {
            Ok(_done) => removed.push(node),
            Err(failure) => session.report(&failure),
        }
    }
    super::removed(session, &removed)
}

const fn role(role: Role) -> &'static str {
    match role {
        Role::Manager => "manager",
        Role::Worker => "worker",
    }
}

fn table(nodes: &[NodeView], paint: Paint) -> String {
    let header = ["NAME", "ID", "ROLE", "STANDING", "VTEP", "ENDPOINTS"];
    let mut table = Table::new(paint, &header);
    for node in nodes {
        table.row([
            plain(&node.name),
            plain(short(node.id)),
            plain(if node.leads { "manager, leads" } else { role(node.role) }),
            (standing_tone(node.standing), node.standing.to_string()),
            plain(node.vtep),
            plain(node.endpoints),
        ]);
    }
    table.text()
}

fn sheet(node: &NodeView, paint: Paint) -> String {
    Sheet::new(paint)
        .line("Name", &node.name)
        .line("Id", node.id)
        .line("Key", node.key)
        .line("Role", if node.leads { "manager, leads" } else { role(node.role) })
        .toned("Standing", standing_tone(node.standing), node.standing)
        .line("VTEP", node.vtep)
        .line("Control", node.control)
        .line("Endpoints", node.endpoints)
        .text()
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn nodes_are_one_a_line() {
        assert_eq!(
            table(&samples::nodes(), Paint::Plain),
            "\
NAME   ID             ROLE             STANDING   VTEP        ENDPOINTS
a      000000000000   manager, leads   self       192.0.2.1   3
b      000000000000   worker           down       192.0.2.2   0"
        );
    }

    #[test]
    fn a_change_of_roles_is_told_with_what_is_left_to_do() {
        let mut nodes = samples::nodes();
        nodes[1].role = Role::Manager;
        let done = |node: &NodeView, note: Option<&str>| RoleChanged {
            node: node.clone(),
            note: note.map(str::to_owned),
        };
        assert_eq!(roles(&[done(&nodes[0], None)], Paint::Plain), "a is a manager now\n");
        assert_eq!(
            roles(
                &[done(&nodes[0], Some("old")), done(&nodes[1], Some("make it 3"))],
                Paint::Plain
            ),
            "a is a manager now\nb is a manager now\nnote: make it 3\n"
        );
        assert_eq!(roles(&[], Paint::Plain), "");
    }

    #[test]
    fn one_node_is_a_sheet() {
        assert_eq!(
            sheet(&samples::nodes()[1], Paint::Plain),
            "\
Name        b
Id          0000000000000000000000000000000b
Key         0402020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202
Role        worker
Standing    down
VTEP        192.0.2.2
Control     192.0.2.2:4788
Endpoints   0
"
        );
    }
}
