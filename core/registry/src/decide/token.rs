//! Join tokens.

use weft_model::Node;

use super::draft::Draft;
use super::{Decision, Outcome, Situation, must_manage};
use crate::{Key, Refused, TokenHash};

pub(super) fn set(
    situation: &Situation<'_>,
    asker: &Node,
    token: &TokenHash,
) -> Result<Decision, Refused> {
    must_manage(asker, "change join tokens")?;
    let key = Key::Token(token.role);
    Ok(Draft::new(situation.view).unchanged(&key).put(&key, token).decided(Outcome::Done))
}
