//! Lets hosts into the cluster: checks their token, signs their certificate, registers them.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::watch;
use weft_identity::Authority;
use weft_model::{Node, NodeId, PublicKey, Role, Vtep};
use weft_registry::{Command, TokenHash, View};
use weft_transport::{JoinAnswer, JoinRefused, JoinRequest, JoinResponse, Response};

use crate::problem::chain;
use crate::registry::Manager;

/// A manager's right to let hosts in.
#[derive(Debug)]
pub(crate) struct Admission {
    authority: watch::Sender<Arc<Authority>>,
    /// The CA that this manager is about to make the cluster's.
    next: watch::Sender<Option<Arc<Authority>>>,
    me: NodeId,
}

impl Admission {
    /// Signs with `authority`, in the name of manager `me`.
    pub(crate) fn new(authority: Authority, me: NodeId) -> Self {
        let authority = watch::Sender::new(Arc::new(authority));
        Self { authority, next: watch::Sender::new(None), me }
    }

    /// The manager itself.
    pub(crate) const fn me(&self) -> NodeId {
        self.me
    }

    /// The CA with its key, as this manager has it.
    pub(crate) fn authority(&self) -> Arc<Authority> {
        Arc::clone(&self.authority.borrow())
    }

    /// Signs with another CA as soon as the registry names it.
    pub(crate) fn prepare(&self, next: Arc<Authority>) {
        self.next.send_replace(Some(next));
    }

    /// Signs with another CA from now on.
    pub(crate) fn succeed(&self, authority: Arc<Authority>) {
        self.authority.send_replace(authority);
        self.next.send_replace(None);
    }

    /// The token that a host of `role` joins with, made from the CA's key and a public salt.
    pub(crate) fn token(&self, role: Role, salt: &str) -> weft_identity::Token {
        self.authority().token(role, salt)
    }

    /// A new token for a role, as the registry keeps it.
    pub(crate) fn fresh_token(&self, role: Role, expires_at: Option<u64>) -> TokenHash {
        crate::member::token_hash(&self.authority(), role, expires_at)
    }

    /// Lets a host in, or says why not.
    pub(crate) async fn admit(
        &self,
        from: SocketAddr,
        request: JoinRequest,
        manager: &Manager,
    ) -> JoinAnswer {
        let view = view(manager).await?;
        let role = self.role(&request.secret, |role| view.token(role).cloned())?;
        let key = key(&request.csr_der)?;
        let vtep = request.vtep.unwrap_or_else(|| from.ip());
        let node = Node {
            id: request.node,
            key,
            name: request.name,
            role,
            vtep: Vtep(canonical(vtep)),
            control: SocketAddr::new(canonical(vtep), request.control_port),
        };
        let chain_der = self.sign(&request.csr_der, &node, &view)?;
        let command = Command::PutNode(node.clone());
        manager
            .command(self.me, command)
            .await
            .map_err(|refused| JoinRefused { error: refused.error, hint: refused.hint })?;
        let snapshot = manager.store().range("/").await.map_err(|error| broken(&error))?;
        Ok(JoinResponse {
            certificate_chain: chain_der,
            ca: self.authority().der(),
            node,
            snapshot,
        })
    }

    /// Signs a new certificate for a node that is still a member, be its old one good or not: the
    /// connection has shown that it has its key.
    pub(crate) async fn renew(&self, node: NodeId, csr_der: &[u8], manager: &Manager) -> Response {
        match self.certificate(node, csr_der, manager).await {
            Ok(chain) => Response::Certificate { chain },
            Err(refused) => Response::Refused { error: refused.error, hint: refused.hint },
        }
    }

    async fn certificate(
        &self,
        node: NodeId,
        csr_der: &[u8],
        manager: &Manager,
    ) -> Result<Vec<Vec<u8>>, JoinRefused> {
        let view = view(manager).await?;
        let node = view.node(node).ok_or_else(|| JoinRefused {
            error: format!("node {node} was taken out of the cluster"),
            hint: "weft leave --force there, then weft join with a new token".to_owned(),
        })?;
        if key(csr_der)? != node.key {
            return Err(JoinRefused {
                error: format!(
                    "node {} asks for a certificate of another key than it has",
                    node.name
                ),
                hint: "a node keeps its key: weft leave there, then weft join with a new token"
                    .to_owned(),
            });
        }
        self.sign(csr_der, node, &view)
    }

    fn role(
        &self,
        secret: &str,
        token: impl Fn(Role) -> Option<TokenHash>,
    ) -> Result<Role, JoinRefused> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let hash = weft_identity::hash(secret);
        for role in [Role::Worker, Role::Manager] {
            let Some(known) = token(role) else { continue };
            if !weft_identity::same(&known.sha256, &hash) {
                continue;
            }
            return match known.expires_at {
                Some(at) if at <= now.as_secs() => Err(JoinRefused {
                    error: "the join token has expired".to_owned(),
                    hint: "get a new one on a manager: weft token --rotate".to_owned(),
                }),
                _ => Ok(role),
            };
        }
        Err(JoinRefused {
            error: "the join token is not one of this cluster's, or was rotated since".to_owned(),
            hint: "get the present one on a manager: weft token".to_owned(),
        })
    }

    fn sign(&self, csr: &[u8], node: &Node, view: &View) -> Result<Vec<Vec<u8>>, JoinRefused> {
        let both = [Some(self.authority()), self.next.borrow().clone()];
        let named = |of: &Arc<Authority>| {
            view.cluster().is_some_and(|cluster| cluster.ca_pem == of.certificate_pem())
        };
        let authority = both.into_iter().flatten().find(named);
        let (authority, cluster) = authority.zip(view.cluster()).ok_or_else(|| JoinRefused {
            error: "this manager does not have the key of the cluster's new CA yet".to_owned(),
            hint: "try again in a moment, or ask another manager: weft node ls".to_owned(),
        })?;
        let life = cluster.certificate_life;
        authority.sign(csr, node.id, node.role, life).map_err(|error| JoinRefused {
            error: chain(&error).join(": "),
            hint: "run the same version of Weft on both hosts".to_owned(),
        })
    }
}

fn key(csr: &[u8]) -> Result<PublicKey, JoinRefused> {
    weft_identity::asked_for(csr).map_err(|error| JoinRefused {
        error: chain(&error).join(": "),
        hint: "run the same version of Weft on both hosts".to_owned(),
    })
}

async fn view(manager: &Manager) -> Result<View, JoinRefused> {
    let snapshot = manager.store().range("/").await.map_err(|error| broken(&error))?;
    View::from_snapshot(&snapshot).map_err(|error| broken(&error))
}

/// An IPv4 address that came as an IPv6 one is IPv4 all the same.
fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

fn broken(error: &dyn std::error::Error) -> JoinRefused {
    JoinRefused {
        error: chain(error).join(": "),
        hint: "look at the manager: weft status".to_owned(),
    }
}
