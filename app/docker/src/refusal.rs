//! What a user reads when something is refused.

use std::fmt;

/// Why the overlay did not do what Docker asked, as one line for the person who typed the command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    what: String,
    why: Option<String>,
    hint: String,
}

impl Refusal {
    /// Says what was refused and what to try instead.
    pub fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), why: None, hint: hint.into() }
    }

    /// Adds the cause.
    #[must_use]
    pub fn because(mut self, why: impl fmt::Display) -> Self {
        self.why = Some(why.to_string());
        self
    }

    /// What failed.
    #[must_use]
    pub fn what(&self) -> &str {
        &self.what
    }

    /// Why it failed, if that is more than the failure itself.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        self.why.as_deref()
    }

    /// What to try.
    #[must_use]
    pub fn hint(&self) -> &str {
        &self.hint
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if let Some(why) = &self.why {
            write!(f, ": {why}")?;
        }
        write!(f, " — try: {}", self.hint)
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_one_line_with_a_next_step() {
        let refusal = Refusal::new("create network", "another name").because("the name is taken");
        assert_eq!(refusal.to_string(), "create network: the name is taken — try: another name");
        let short = Refusal::new("no subnet is left", "--subnet");
        assert_eq!(short.to_string(), "no subnet is left — try: --subnet");
    }
}
