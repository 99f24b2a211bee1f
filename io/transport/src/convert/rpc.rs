//! Questions and answers.

use weft_model::{NetworkId, NodeId};

use super::{Malformed, address, array, json, octets, parse};
use crate::event::{
    CONSENSUS_LONGEST, JoinAnswer, JoinRefused, JoinRequest, JoinResponse, Request, Response,
    Secret, WatchItem,
};
use crate::wire::{self, Body};

impl From<Request> for Body {
    fn from(request: Request) -> Self {
        match request {
            Request::Command(command) => Self::Command(json(&command)),
            Request::Renew { csr_der } => Self::Renew(csr_der),
            Request::Cede { network, address } => Self::Cede(wire::Cede {
                network: network.to_bytes().to_vec(),
                address: octets(address),
            }),
            Request::Inspect { question } => Self::Inspect(question),
            Request::Consensus { message } => Self::Consensus(message),
            Request::Authority => Self::AuthorityRequest(wire::Empty {}),
        }
    }
}

impl TryFrom<Body> for Request {
    type Error = Malformed;

    fn try_from(body: Body) -> Result<Self, Malformed> {
        match body {
            Body::Command(command) => parse(&command, "a command").map(Self::Command),
            Body::Renew(csr_der) => Ok(Self::Renew { csr_der }),
            Body::Cede(wire::Cede { network, address: octets }) => Ok(Self::Cede {
                network: array(&network, "a network id").map(NetworkId::from_bytes)?,
                address: address(&octets)?,
            }),
            Body::Inspect(question) => Ok(Self::Inspect { question }),
            Body::Consensus(message) => bounded(message).map(|message| Self::Consensus { message }),
            Body::AuthorityRequest(wire::Empty {}) => Ok(Self::Authority),
            _other => Err(Malformed("a request")),
        }
    }
}

impl From<Response> for Body {
    fn from(response: Response) -> Self {
        match response {
            Response::Outcome(outcome, revision) => {
                Self::Outcome(wire::Outcome { outcome: json(&outcome), revision })
            }
            Response::Refused { error, hint } => Self::Refused(wire::Refused { error, hint }),
            Response::Failed { error, hint, perhaps } => {
                Self::Failed(wire::Failed { error, hint, perhaps })
            }
            Response::Certificate { chain: certificates } => {
                Self::Certificate(wire::Chain { certificates })
            }
            Response::NotManager { managers } => {
                let ids = managers.iter().map(|id| id.to_bytes().to_vec()).collect();
                Self::NotManager(wire::Ids { ids })
            }
            Response::Inspected { answer } => Self::Inspected(answer),
            Response::Consensus { answer } => Self::ConsensusAnswer(answer),
            Response::Authority { pem: Secret(pem), etcd } => {
                let etcd = etcd.map(|Secret(etcd)| etcd);
                Self::Authority(wire::Authority { pem, etcd })
            }
        }
    }
}

impl TryFrom<Body> for Response {
    type Error = Malformed;

    fn try_from(body: Body) -> Result<Self, Malformed> {
        match body {
            Body::Outcome(wire::Outcome { outcome, revision }) => {
                Ok(Self::Outcome(parse(&outcome, "an outcome")?, revision))
            }
            Body::Refused(wire::Refused { error, hint }) => Ok(Self::Refused { error, hint }),
            Body::Failed(wire::Failed { error, hint, perhaps }) => {
                Ok(Self::Failed { error, hint, perhaps })
            }
            Body::Certificate(wire::Chain { certificates }) => {
                Ok(Self::Certificate { chain: certificates })
            }
            Body::NotManager(wire::Ids { ids }) => {
                let managers = ids.iter().map(|id| node(id)).collect::<Result<_, _>>()?;
                Ok(Self::NotManager { managers })
            }
            Body::Inspected(answer) => Ok(Self::Inspected { answer }),
            Body::ConsensusAnswer(answer) => {
                bounded(answer).map(|answer| Self::Consensus { answer })
            }
            Body::Authority(wire::Authority { pem, etcd }) => {
                Ok(Self::Authority { pem: Secret(pem), etcd: etcd.map(Secret) })
            }
            _other => Err(Malformed("a response")),
        }
    }
}

impl From<WatchItem> for Body {
    fn from(item: WatchItem) -> Self {
        match item {
            WatchItem::Snapshot(snapshot) => Self::WatchSnapshot(json(&snapshot)),
            WatchItem::Changes(changes) => Self::WatchChanges(json(&changes)),
            WatchItem::Confirmed { leader } => Self::WatchConfirmed(wire::Confirmed {
                leader: leader.map(|id| id.to_bytes().to_vec()).unwrap_or_default(),
            }),
        }
    }
}

impl TryFrom<Body> for WatchItem {
    type Error = Malformed;

    fn try_from(body: Body) -> Result<Self, Malformed> {
        match body {
            Body::WatchSnapshot(snapshot) => parse(&snapshot, "a registry").map(Self::Snapshot),
            Body::WatchChanges(changes) => {
                parse(&changes, "a registry's changes").map(Self::Changes)
            }
            Body::WatchConfirmed(wire::Confirmed { leader }) if leader.is_empty() => {
                Ok(Self::Confirmed { leader: None })
            }
            Body::WatchConfirmed(wire::Confirmed { leader }) => {
                Ok(Self::Confirmed { leader: Some(node(&leader)?) })
            }
            _other => Err(Malformed("a registry")),
        }
    }
}

impl From<JoinRequest> for Body {
    fn from(request: JoinRequest) -> Self {
        Self::Join(wire::Join {
            secret: request.secret,
            csr: request.csr_der,
            name: request.name.into(),
            vtep: request.vtep.map(octets).unwrap_or_default(),
            control_port: request.control_port.into(),
            node: request.node.to_bytes().to_vec(),
        })
    }
}

impl TryFrom<wire::Join> for JoinRequest {
    type Error = Malformed;

    fn try_from(join: wire::Join) -> Result<Self, Malformed> {
        Ok(Self {
            secret: join.secret,
            csr_der: join.csr,
            name: join.name.parse().map_err(|_not_a_name| Malformed("a node's name"))?,
            vtep: if join.vtep.is_empty() { None } else { Some(address(&join.vtep)?) },
            control_port: join.control_port.try_into().map_err(|_large| Malformed("a port"))?,
            node: node(&join.node)?,
        })
    }
}

impl From<JoinAnswer> for Body {
    fn from(answer: JoinAnswer) -> Self {
        match answer {
            Err(JoinRefused { error, hint }) => Self::Refused(wire::Refused { error, hint }),
            Ok(JoinResponse { certificate_chain, ca, node, snapshot }) => {
                Self::Joined(wire::Joined {
                    chain: certificate_chain,
                    ca,
                    node: json(&node),
                    snapshot: json(&snapshot),
                })
            }
        }
    }
}

impl TryFrom<Body> for JoinResponseOrRefusal {
    type Error = Malformed;

    fn try_from(body: Body) -> Result<Self, Malformed> {
        match body {
            Body::Refused(wire::Refused { error, hint }) => {
                Ok(Self(Err(JoinRefused { error, hint })))
            }
            Body::Joined(wire::Joined { chain, ca, node, snapshot }) => {
                Ok(Self(Ok(JoinResponse {
                    certificate_chain: chain,
                    ca,
                    node: parse(&node, "a node")?,
                    snapshot: parse(&snapshot, "a registry")?,
                })))
            }
            _other => Err(Malformed("an answer to a host that joins")),
        }
    }
}

/// A [`JoinAnswer`] that a conversion can be written for.
pub(crate) struct JoinResponseOrRefusal(pub(crate) JoinAnswer);

fn node(bytes: &[u8]) -> Result<NodeId, Malformed> {
    array(bytes, "a node id").map(NodeId::from_bytes)
}

fn bounded(message: Vec<u8>) -> Result<Vec<u8>, Malformed> {
    if message.len() > CONSENSUS_LONGEST {
        return Err(Malformed("a manager's message that is too long"));
    }
    Ok(message)
}
