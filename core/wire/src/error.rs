//! Why bytes are not what they should be.

/// Why bytes cannot be read as a protocol's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// The bytes end too early.
    #[error("{what} is cut off: {needed} more bytes are needed, {given} are there")]
    Truncated {
        /// The protocol.
        what: &'static str,
        /// How many bytes come next.
        needed: usize,
        /// How many there are.
        given: usize,
    },
    /// A field has a value that the protocol does not allow.
    #[error("{what} is malformed: {field} is {value}")]
    Malformed {
        /// The protocol.
        what: &'static str,
        /// The field's name.
        field: &'static str,
        /// What it holds.
        value: u32,
    },
    /// The header's own checksum does not add up.
    #[error("{what} has a wrong header checksum")]
    Checksum {
        /// The protocol.
        what: &'static str,
    },
}
