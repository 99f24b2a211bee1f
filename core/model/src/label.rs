//! Names as DNS knows them: labels of letters, digits, hyphens and underscores, without case.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest label (RFC 1035 §2.3.4).
const LONGEST_LABEL: usize = 63;
/// The longest name in text form (RFC 1035 §2.3.4).
const LONGEST_NAME: usize = 253;

/// A name of one or more DNS labels, in lower case.
///
/// Underscores are allowed, since Docker Compose v1 puts them into container names.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

/// Why a text is not a [`Name`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseNameError {
    /// A label is empty.
    #[error("`{0}` is not a name: a DNS label has at least one character")]
    Empty(String),
    /// A label or the whole is over its limit.
    #[error("`{0}` is not a name: a DNS label has at most 63 characters, a name at most 253")]
    Long(String),
    /// A character is not of a label.
    #[error("`{0}` is not a name: a DNS label has letters, digits, `-` and `_` only")]
    Character(String),
    /// A label begins or ends with a hyphen.
    #[error("`{0}` is not a name: a DNS label neither begins nor ends with `-`")]
    Hyphen(String),
    /// Several labels where one is asked for.
    #[error("`{0}` is not a DNS label: dots are not allowed here")]
    Dots(String),
}

impl Name {
    /// Parses a name of exactly one label: what a user may call a network or a workload.
    ///
    /// # Errors
    ///
    /// [`ParseNameError`] says which rule the text breaks.
    pub fn label(text: &str) -> Result<Self, ParseNameError> {
        let name: Self = text.parse()?;
        if name.0.contains('.') { Err(ParseNameError::Dots(text.to_owned())) } else { Ok(name) }
    }

    /// The name's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// This name inside `zone`: `web` in `shop` is `web.shop`.
    #[must_use]
    pub fn within(&self, zone: &Self) -> Self {
        Self(format!("{}.{}", self.0, zone.0))
    }
}

fn check_label(label: &str, whole: &str) -> Result<(), ParseNameError> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    match label {
        "" => Err(ParseNameError::Empty(whole.to_owned())),
        _ if label.len() > LONGEST_LABEL => Err(ParseNameError::Long(whole.to_owned())),
        _ if !label.bytes().all(allowed) => Err(ParseNameError::Character(whole.to_owned())),
        _ if label.starts_with('-') || label.ends_with('-') => {
            Err(ParseNameError::Hyphen(whole.to_owned()))
        }
        _ => Ok(()),
    }
}

impl FromStr for Name {
    type Err = ParseNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > LONGEST_NAME {
            return Err(ParseNameError::Long(text.to_owned()));
        }
        text.split('.').try_for_each(|label| check_label(label, text))?;
        Ok(Self(text.to_ascii_lowercase()))
    }
}

impl TryFrom<String> for Name {
    type Error = ParseNameError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_no_case() {
        assert_eq!("Web_1.Shop".parse::<Name>().unwrap().as_str(), "web_1.shop");
    }

    #[test]
    fn each_rule_has_its_error() {
        let long = "a".repeat(64);
        assert_eq!("".parse::<Name>(), Err(ParseNameError::Empty(String::new())));
        assert_eq!("a..b".parse::<Name>(), Err(ParseNameError::Empty("a..b".into())));
        assert_eq!(long.parse::<Name>(), Err(ParseNameError::Long(long.clone())));
        assert_eq!("a b".parse::<Name>(), Err(ParseNameError::Character("a b".into())));
        assert_eq!("-a".parse::<Name>(), Err(ParseNameError::Hyphen("-a".into())));
        assert_eq!(Name::label("a.b"), Err(ParseNameError::Dots("a.b".into())));
    }
}
