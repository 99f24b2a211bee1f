//! The questions of a load client, as bytes (RFC 1035 §4).

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Names {
    /// One name, again and again.
    One(&'static str),
    /// Another name each time, none of which anybody has: no cache helps.
    Unknown,
}

impl Names {
    /// The question number `serial`, under an id of the client's choice.
    pub(crate) fn question(self, id: u16, serial: u64) -> Vec<u8> {
        let name = match self {
            Self::One(name) => name.to_owned(),
            Self::Unknown => format!("n{serial}.nobody.test"),
        };
        // Recursion desired, one question.
        let mut bytes = [id.to_be_bytes().as_slice(), &[1, 0, 0, 1, 0, 0, 0, 0, 0, 0]].concat();
        for label in name.split('.') {
            bytes.extend(u8::try_from(label.len()));
            bytes.extend(label.as_bytes());
        }
        // The root, type A, class IN.
        bytes.extend([0, 0, 1, 0, 1]);
        bytes
    }
}

/// The id of an answer, and whether it says what it should.
pub(crate) fn answer(bytes: &[u8], names: Names) -> Option<(u16, bool)> {
    let id = u16::from_be_bytes(*bytes.first_chunk()?);
    let (code, answers) = (bytes.get(3)? & 15, bytes.get(7)?);
    let right = match names {
        Names::One(_) => code == 0 && *answers > 0,
        Names::Unknown => code == 3,
    };
    Some((id, right))
}
