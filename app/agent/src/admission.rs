//! Lets hosts into the cluster: checks their token, signs their certificate, registers them.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

use weft_identity::Authority;
use weft_model::{Node, NodeId, Role, Vtep};
use weft_registry::{Command, TokenHash};
use weft_transport::{JoinAnswer, JoinRefused, JoinRequest, JoinResponse, Response};

use crate::problem::chain;
use crate::registry::Manager;

/// How long a node's certificate is good for.
///
/// As long as the CA's own: nodes do not renew theirs yet, and a cluster that ends by itself after
/// three days would be worse than a certificate that lives long. `weft node rm` shuts a node out
/// whatever its certificate says.
pub(crate) const LIFETIME: Duration = Duration::from_secs(10 * 365 * 86_400);

/// A manager's right to let hosts in.
#[derive(Debug)]
pub(crate) struct Admission {
    authority: Authority,
    me: NodeId,
}

impl Admission {
    /// Signs with `authority`, in the name of manager `me`.
    pub(crate) fn new(authority: Authority, me: NodeId) -> Self {
        Self { authority, me }
    }

    /// The token that a host of `role` joins with, made from the CA's key and a public salt.
    pub(crate) fn token(&self, role: Role, salt: &str) -> weft_identity::Token {
        self.authority.token(role, salt)
    }

    /// A new token for a role, as the registry keeps it.
    pub(crate) fn fresh_token(&self, role: Role, expires_at: Option<u64>) -> TokenHash {
        crate::member::token_hash(&self.authority, role, expires_at)
    }

    /// Lets a host in, or says why not.
    pub(crate) async fn admit(
        &self,
        from: SocketAddr,
        request: JoinRequest,
        manager: &Manager,
    ) -> JoinAnswer {
        let store = manager.store();
        let snapshot = store.range("/").await.map_err(|error| broken(&error))?;
        let view = weft_registry::View::from_snapshot(&snapshot).map_err(|error| broken(&error))?;
        let role = self.role(&request.secret, |role| view.token(role).cloned())?;
        if role == Role::Manager {
            return Err(JoinRefused {
                error: "a cluster has one manager for now, and this one has it".to_owned(),
                hint: "join as a worker: weft token worker".to_owned(),
            });
        }
        let vtep = request.vtep.unwrap_or_else(|| from.ip());
        let node = Node {
            id: request.node,
            name: request.name,
            role,
            vtep: Vtep(canonical(vtep)),
            control: SocketAddr::new(canonical(vtep), request.control_port),
        };
        let chain_der = self.sign(&request.csr_der, node.id, role)?;
        let command = Command::PutNode(node.clone());
        manager
            .command(self.me, command)
            .await
            .map_err(|refused| JoinRefused { error: refused.error, hint: refused.hint })?;
        let snapshot = store.range("/").await.map_err(|error| broken(&error))?;
        Ok(JoinResponse { certificate_chain: chain_der, ca: self.authority.der(), node, snapshot })
    }

    /// Signs a new certificate for a node that has a good one.
    pub(crate) fn renew(&self, node: NodeId, csr_der: &[u8]) -> Response {
        match self.sign(csr_der, node, Role::Worker) {
            Ok(chain) => Response::Certificate { chain },
            Err(refused) => Response::Refused { error: refused.error, hint: refused.hint },
        }
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
            error: "the join token is not one of this cluster's".to_owned(),
            hint: "get one on a manager: weft token".to_owned(),
        })
    }

    fn sign(&self, csr: &[u8], node: NodeId, role: Role) -> Result<Vec<Vec<u8>>, JoinRefused> {
        self.authority.sign(csr, node, role, LIFETIME).map_err(|error| JoinRefused {
            error: chain(&error).join(": "),
            hint: "run the same version of Weft on both hosts".to_owned(),
        })
    }
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
