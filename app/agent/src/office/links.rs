//! The managers' common log travels over the mesh.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt as _};
use weft_model::NodeId;
use weft_store::{LinkError, Links};
use weft_transport::{MeshHandle, Request, RequestError, Response};

/// A node that is no manager yet, or no more, is asked again after this time.
const PAUSE: Duration = Duration::from_millis(200);

/// Ways to other managers. The store is opened before the mesh is, since it says who is in the mesh.
#[derive(Clone, Debug, Default)]
pub(crate) struct MeshLinks(Arc<OnceLock<MeshHandle>>);

impl MeshLinks {
    /// Connects them.
    pub(crate) fn connect(&self, mesh: MeshHandle) {
        self.0.get_or_init(|| mesh);
    }
}

impl Links for MeshLinks {
    fn ask(&self, to: NodeId, message: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, LinkError>> {
        async move {
            let mesh = self.0.get().ok_or(LinkError::NotConnected)?;
            match mesh.request(to, Request::Consensus { message }).await {
                Ok(Response::Consensus { answer }) => Ok(answer),
                Err(RequestError::NotConnected) => Err(LinkError::NotConnected),
                Err(_lost) => Err(LinkError::Lost),
                Ok(_other) => {
                    tokio::time::sleep(PAUSE).await;
                    Err(LinkError::Lost)
                }
            }
        }
        .boxed()
    }
}
