//! A member in wrong hands: it has a host's certificate and key, speaks as that host's agent would,
//! and says what it likes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use anyhow::Context as _;
use serde::Deserialize;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use weft_identity::{KeyNotary, NodeKey};
use weft_kernel::Netns;
use weft_lab::Host;
use weft_model::{Endpoint, NetworkId, Node, NodeId};
use weft_transport::{
    Credentials, Mesh, MeshEvent, MeshHandle, Peers, Request, RequestError, Response, ask_once,
};
use weft_whereabouts::{Head, Message, Notary as _, Presence, Seal, StreamId, statement};

/// Later than any run of a real agent.
const EPOCH: u64 = 1 << 40;

/// What it heard of others' rows, by owner: the last of each.
type Heard = BTreeMap<NodeId, Message>;

/// What makes a host a member, as it is on its disk.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Papers {
    /// The host.
    pub(crate) node: Node,
    key_pem: String,
    chain_pem: String,
    ca_pem: String,
}

impl Papers {
    /// A copy of a host's.
    pub(crate) fn of(host: &Host) -> anyhow::Result<Self> {
        let path = host.root().join("var/lib/weft/member.json");
        let text = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
        Ok(serde_json::from_slice(&text)?)
    }

    fn credentials(&self) -> anyhow::Result<Credentials> {
        Ok(Credentials {
            node: self.node.id,
            chain: weft_identity::certificates(&self.chain_pem)?,
            key: weft_identity::private_key(&self.key_pem)?,
            roots: weft_identity::certificates(&self.ca_pem)?,
        })
    }

    /// Asks a manager for a new certificate, out of a namespace.
    pub(crate) fn renew(
        &self,
        from: &Netns,
        manager: &Node,
    ) -> anyhow::Result<Result<Response, RequestError>> {
        let (own, runtime) = (self.credentials()?, Handle::current());
        let request = Request::Renew { csr_der: NodeKey::from_pem(&self.key_pem)?.request()? };
        let asked = ask_once(&own, manager.id, manager.control, request);
        Ok(from.run(|| runtime.block_on(asked))?)
    }
}

/// A host's place in the cluster, taken by somebody else.
pub(crate) struct Forger {
    me: NodeId,
    notary: KeyNotary,
    mesh: MeshHandle,
    version: u64,
    connected: watch::Receiver<BTreeSet<NodeId>>,
    heard: watch::Receiver<Heard>,
    _kept: (watch::Sender<Peers>, watch::Sender<Arc<Credentials>>),
}

impl Forger {
    /// Appears at an address of a namespace with a host's papers, and connects with `victims`.
    pub(crate) fn start(
        papers: &Papers,
        (netns, at): (&Netns, IpAddr),
        victims: &[&Host],
    ) -> anyhow::Result<Self> {
        let members = victims.iter().map(|victim| {
            let node = Papers::of(victim)?.node;
            Ok((node.id, node.control))
        });
        let members = members.collect::<anyhow::Result<BTreeMap<_, _>>>()?;
        // It dials all of them, and again and again.
        let kept = Some(members.keys().copied().collect());
        let (peers, wanted) = watch::channel(Peers { members, kept });
        let (own, shown) = watch::channel(Arc::new(papers.credentials()?));
        let (at, runtime) = (SocketAddr::new(at, papers.node.control.port()), Handle::current());
        let started = netns.run(|| {
            let _its_tasks = runtime.enter();
            Mesh::start(at, shown, wanted)
        })?;
        let (mesh, events) = started?;
        let (seen, connected) = watch::channel(BTreeSet::new());
        let (listened, heard) = watch::channel(Heard::new());
        tokio::spawn(follow(events, seen, listened));
        let (me, notary) = (papers.node.id, KeyNotary::from_pem(&papers.key_pem)?);
        Ok(Self { me, notary, mesh, version: 0, connected, heard, _kept: (peers, own) })
    }

    /// With how many it is connected.
    pub(crate) fn connections(&self) -> usize {
        self.connected.borrow().len()
    }

    /// Says what the played host has on a network: this, whatever was said before.
    pub(crate) fn claim(&mut self, network: NetworkId, rows: &[Endpoint]) -> anyhow::Result<()> {
        self.version += 1;
        let head = Head { epoch: EPOCH, version: self.version };
        let stream = StreamId { network, owner: self.me };
        self.say(&self.signed(stream, head, Presence::Here, rows)?)
    }

    /// That another node has nothing on a network any more, since long after now.
    pub(crate) fn end_of(&self, network: NetworkId, owner: NodeId) -> anyhow::Result<Message> {
        let head = Head { epoch: EPOCH, version: 1 };
        self.signed(StreamId { network, owner }, head, Presence::Left, &[])
    }

    /// Rows of anybody, under the one signature that it can make.
    pub(crate) fn signed(
        &self,
        stream: StreamId,
        head: Head,
        presence: Presence,
        rows: &[Endpoint],
    ) -> anyhow::Result<Message> {
        let mut rows: Vec<_> = rows.iter().cloned().map(Arc::new).collect();
        rows.sort_by_key(|row| row.id);
        let told = statement(stream, head, presence, &rows);
        let seal: Seal = self.notary.seal(&told).context("no randomness")?;
        Ok(Message::Snapshot { stream, head, presence, rows, seal, fresh: true })
    }

    /// All rows of a node, as somebody has told them who knows.
    pub(crate) fn heard(&self, owner: NodeId) -> Option<Message> {
        self.heard.borrow().get(&owner).cloned()
    }

    /// Says something to everybody.
    pub(crate) fn say(&self, message: &Message) -> anyhow::Result<()> {
        for victim in self.connected.borrow().iter() {
            self.mesh.send(*victim, message.clone())?;
        }
        Ok(())
    }

    /// Goes away.
    pub(crate) async fn end(self) {
        self.mesh.close().await;
    }
}

/// It answers nobody.
async fn follow(
    mut events: mpsc::Receiver<MeshEvent>,
    seen: watch::Sender<BTreeSet<NodeId>>,
    heard: watch::Sender<Heard>,
) {
    while let Some(event) = events.recv().await {
        if let MeshEvent::Message(_, said @ Message::Snapshot { stream, .. }) = &event {
            heard.send_modify(|heard| drop(heard.insert(stream.owner, said.clone())));
        }
        seen.send_if_modified(|up| match event {
            MeshEvent::Up(node) => up.insert(node),
            MeshEvent::Down(node) => up.remove(&node),
            _ => false,
        });
    }
}
