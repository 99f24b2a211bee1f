//! An error in one line, with everything below it.

use std::error::Error;

/// Its text and those of its causes.
pub(crate) fn told(error: &dyn Error) -> String {
    let texts = std::iter::successors(Some(error), |&error| error.source());
    texts.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
