//! Envelopes on QUIC streams: a length of four bytes, big-endian, then the envelope.

use prost::Message as _;
use quinn::{ReadExactError, RecvStream, SendStream, WriteError};

use crate::convert::Malformed;
use crate::wire::{Body, Envelope};

/// No frame is longer: a registry of 100,000 rows is a quarter of it.
const LONGEST: usize = 64 << 20;

/// What a host may send that is no member yet.
pub(crate) const GUEST_LONGEST: usize = 64 << 10;
/// Read at a time: no memory is set aside for what was only announced.
const STEP: usize = 64 << 10;

/// Why no frame came.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// The stream has ended.
    #[error("the stream has ended")]
    Ended,
    /// The stream or its connection failed.
    #[error("the stream failed")]
    Failed(#[source] ReadExactError),
    /// What came is no frame.
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

/// Writes one frame.
pub(crate) async fn write(stream: &mut SendStream, body: Body) -> Result<(), WriteError> {
    let envelope = Envelope::new(body);
    let length = u32::try_from(envelope.encoded_len()).unwrap_or(u32::MAX);
    let mut frame = length.to_be_bytes().to_vec();
    frame.extend(envelope.encode_to_vec());
    stream.write_all(&frame).await
}

/// Reads one frame; `None`: its body is of a later version.
pub(crate) async fn read(stream: &mut RecvStream) -> Result<Option<Body>, ReadError> {
    read_up_to(stream, LONGEST).await
}

/// The same for a frame that must not be longer than `longest`.
pub(crate) async fn read_up_to(
    stream: &mut RecvStream,
    longest: usize,
) -> Result<Option<Body>, ReadError> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).await.map_err(|error| match error {
        ReadExactError::FinishedEarly(0) => ReadError::Ended,
        other => ReadError::Failed(other),
    })?;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > longest {
        return Err(Malformed("a frame that is too long").into());
    }
    let mut frame = Vec::new();
    while frame.len() < length {
        let start = frame.len();
        frame.resize(length.min(start + STEP), 0);
        let rest = frame.get_mut(start..).unwrap_or_default();
        stream.read_exact(rest).await.map_err(ReadError::Failed)?;
    }
    let envelope = Envelope::decode(frame.as_slice()).map_err(|_error| Malformed("an envelope"))?;
    if envelope.body.is_none() {
        tracing::debug!(version = envelope.version, "a message of a later version is left alone");
    }
    Ok(envelope.body)
}
