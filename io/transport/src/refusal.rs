//! What a failed handshake tells about the other side.

use quinn::ConnectionError;

use crate::event::Refusal;
use crate::quic::close;

/// Why a handshake, or the first words after it, failed; none if it just did not come about.
///
/// RFC 9001 §4.8: the TLS alerts are the codes 0x100 to 0x1ff; RFC 8446 §6.2 numbers them.
pub(crate) fn refusal(error: &ConnectionError) -> Option<Refusal> {
    match error {
        ConnectionError::TransportError(failure) => match u64::from(failure.code) {
            0x12d => Some(Refusal::Expired),
            // bad_certificate to certificate_revoked, certificate_unknown, unknown_ca, and
            // decrypt_error: another key than that of the CA which has the same name.
            0x12a..=0x12c | 0x12e | 0x130 | 0x133 => Some(Refusal::Foreign),
            _ => None,
        },
        ConnectionError::ApplicationClosed(told) if told.error_code == close::NO_MEMBER => {
            Some(Refusal::NoMember)
        }
        ConnectionError::ApplicationClosed(told) if told.error_code == close::CLONE => {
            Some(Refusal::OwnClone)
        }
        _ => None,
    }
}
