//! Answers questions about this node.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;
use tokio::sync::watch;
use weft_api::ProblemKind;
use weft_kernel::Linux;
use weft_model::EndpointId;
use weft_transport::{Credentials, MeshHandle, Response};

use super::{Inquiry, Inspector};
use crate::admin::find;
use crate::captures::CapturesHandle;
use crate::drops::DropsHandle;
use crate::events::EventsHandle;
use crate::fabric::Fabric;
use crate::problem::{Answer, because, problem};
use crate::reconcile::Target;
use crate::{examine, trace};

/// No question is longer, in bytes.
const QUESTION: usize = 64 << 10;
/// No answer is longer, in bytes: it fills a person's screen many times over.
const ANSWER: usize = 4 << 20;

/// What answers are taken from.
#[derive(Clone, Debug)]
pub(crate) struct Desk {
    /// What this node knows.
    pub(crate) fabric: Fabric,
    /// What its kernel holds.
    pub(crate) kernel: Arc<Linux>,
    /// What its kernel should hold.
    pub(crate) target: watch::Receiver<Target>,
    /// What has happened to it.
    pub(crate) events: EventsHandle,
    /// Frames that are captured here.
    pub(crate) captures: CapturesHandle,
    /// What it drops.
    pub(crate) drops: DropsHandle,
    /// Its way to the others.
    pub(crate) mesh: MeshHandle,
    /// What it shows of itself.
    pub(crate) own: watch::Receiver<Arc<Credentials>>,
    /// Where the host keeps its state.
    pub(crate) state_directory: PathBuf,
    /// Where its Docker Engine answers.
    pub(crate) docker_socket: PathBuf,
}

impl Desk {
    /// Answers a question as it came from another node.
    pub(crate) async fn respond(&self, question: &[u8]) -> Response {
        let answer = match read(question) {
            Ok(inquiry) => self.answer(&inquiry).await,
            Err(problem) => Err(problem),
        };
        match answer {
            Ok(answer) => Response::Inspected { answer },
            Err(problem) => Response::Refused { error: problem.error, hint: problem.hint },
        }
    }

    /// Answers a question, in JSON.
    pub(super) async fn answer(&self, inquiry: &Inquiry) -> Answer<Vec<u8>> {
        match inquiry {
            Inquiry::Difference => write(&self.difference().await?),
            Inquiry::Events(wanted) => write(&self.happened(wanted.clone()).await?),
            Inquiry::Belief { at } => write(&self.believed(*at).await?),
            Inquiry::Whose { reference } => write(&self.whose(reference)),
            Inquiry::Has { endpoint } => write(&self.fabric.has(*endpoint).await?),
            Inquiry::Capture { endpoint, bytes } => {
                write(&self.captures.begin(*endpoint, *bytes).await?)
            }
            Inquiry::Frames { id } => write(&self.captures.take(*id).await?),
            Inquiry::Top { millis } => write(&self.top(*millis).await?),
            Inquiry::Routes => write(&weft_kernel::host::routes().await.unwrap_or_default()),
            Inquiry::Knows { reference } => write(&trace::knows(self, reference)),
            Inquiry::Trace(question) => {
                write(&trace::conduct(&Inspector::new(self.clone()), question).await?)
            }
            Inquiry::Arrival(arriving) => write(&trace::arrival(self, arriving).await?),
            Inquiry::Examine(asked) => write(&examine::examined(self, *asked).await),
            Inquiry::Clock => write(&crate::clock::now_us()),
            Inquiry::Watch(watching) => write(&trace::watch(self, *watching).await?),
            Inquiry::Hear(probes) => {
                let port = self.fabric.state.picture().facts.vxlan_port;
                write(&trace::hear(probes.clone(), port).await?)
            }
        }
    }
}

impl Desk {
    /// The endpoint of this node that is meant, if it is one's.
    fn whose(&self, reference: &str) -> Option<EndpointId> {
        let picture = self.fabric.state.picture();
        let row = find(&picture, reference).ok().filter(|row| row.owner == picture.me.id);
        row.map(|row| row.endpoint.id)
    }
}

fn read(question: &[u8]) -> Answer<Inquiry> {
    let bounded = if question.len() > QUESTION { &[] } else { question };
    serde_json::from_slice(bounded).map_err(|error| {
        let what = "this node does not know the question";
        because(ProblemKind::BadInput, what, &error, "run the same version of Weft on every host")
    })
}

fn write(answer: &impl Serialize) -> Answer<Vec<u8>> {
    let answer = serde_json::to_vec(answer).map_err(|error| {
        let hint = "this is a fault of Weft: please report it";
        because(ProblemKind::Internal, "the answer could not be written", &error, hint)
    })?;
    if answer.len() > ANSWER {
        let what = format!("the answer has {} bytes, more than {ANSWER}", answer.len());
        return Err(problem(ProblemKind::Internal, what, "ask on the node itself: weft status"));
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_read_as_it_was_asked() {
        let asked = serde_json::to_vec(&Inquiry::Difference).unwrap();
        assert_eq!(asked, br#"{"ask":"difference"}"#);
        assert_eq!(read(&asked).unwrap(), Inquiry::Difference);
    }

    #[test]
    fn a_question_of_a_later_version_is_refused_in_words() {
        for question in [&b"{\"ask\":\"tomorrow\"}"[..], b"", b"\xff", &[b' '; QUESTION + 1]] {
            let refused = read(question).unwrap_err();
            assert!(refused.error.contains("does not know"), "{refused:?}");
            assert!(refused.hint.contains("same version"), "{refused:?}");
        }
    }

    #[test]
    fn an_answer_is_bounded() {
        assert!(write(&"x".repeat(ANSWER)).unwrap_err().error.contains("more than"));
        assert_eq!(write(&7).unwrap(), b"7");
    }
}
