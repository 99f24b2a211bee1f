//! Prometheus' expressions, as far as the dashboard and the alerts use them: which metrics they
//! ask for, with which labels. What is not known is refused, not guessed.

use std::collections::BTreeSet;

use anyhow::{Context as _, bail, ensure};

const FUNCTIONS: [&str; 9] =
    ["abs", "sum", "max", "min", "count", "rate", "increase", "time", "vector"];
const BETWEEN: [&str; 3] = ["and", "or", "unless"];

/// What an expression asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Every metric that it names.
    pub selectors: Vec<Selector>,
    /// The labels that are kept, of all its `by`.
    pub grouped: BTreeSet<String>,
}

/// One metric, narrowed down by labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    /// Its name.
    pub metric: String,
    /// What its labels have to be.
    pub matchers: Vec<Matcher>,
}

/// What one label has to be, or must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matcher {
    /// The label.
    pub label: String,
    /// Its value, or several with `|` between.
    pub value: String,
    /// Whether the value is such a list.
    pub alternatives: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    /// A number, or a range in brackets.
    Amount,
    Sign(String),
}

impl Query {
    /// Reads an expression.
    ///
    /// # Errors
    ///
    /// If it is not well formed, or uses what is not known here.
    pub fn read(text: &str) -> anyhow::Result<Self> {
        let mut rest = tokens(text).with_context(|| format!("the expression `{text}`"))?;
        rest.reverse();
        let mut query = Self::default();
        let mut open = 0_usize;
        while let Some(token) = rest.pop() {
            match token {
                Token::Word(word) => query.word(word, &mut rest)?,
                Token::Sign(sign) if sign == "(" => open += 1,
                Token::Sign(sign) if sign == ")" => {
                    open = open.checked_sub(1).context("a `)` too many")?;
                }
                Token::Sign(_) | Token::Amount => {}
                Token::Text(text) => bail!("the text \"{text}\" stands alone"),
            }
        }
        ensure!(open == 0, "a `(` is not closed in `{text}`");
        Ok(query)
    }

    fn word(&mut self, word: String, rest: &mut Vec<Token>) -> anyhow::Result<()> {
        let opens = matches!(rest.last(), Some(Token::Sign(sign)) if sign == "(");
        let grouped = matches!(rest.last(), Some(Token::Word(by)) if by == "by");
        match word.as_str() {
            "by" => self.grouped.extend(list(rest)?),
            function if FUNCTIONS.contains(&function) => {
                ensure!(opens || grouped, "`{function}` is of nothing");
            }
            between if BETWEEN.contains(&between) => {}
            _ if opens => bail!("`{word}` is no function that is known"),
            _ => self.selectors.push(Selector { metric: word, matchers: matchers(rest)? }),
        }
        Ok(())
    }
}

/// `(a, b)`.
fn list(rest: &mut Vec<Token>) -> anyhow::Result<Vec<String>> {
    expect(rest, "(")?;
    let mut words = Vec::new();
    loop {
        match rest.pop() {
            Some(Token::Word(word)) => words.push(word),
            Some(Token::Sign(sign)) if sign == "," => {}
            Some(Token::Sign(sign)) if sign == ")" => return Ok(words),
            other => bail!("{other:?} in a list of labels"),
        }
    }
}

/// `{a="b", c=~"d|e"}`, or nothing.
fn matchers(rest: &mut Vec<Token>) -> anyhow::Result<Vec<Matcher>> {
    let mut matchers = Vec::new();
    if !matches!(rest.last(), Some(Token::Sign(sign)) if sign == "{") {
        return Ok(matchers);
    }
    rest.pop();
    loop {
        match rest.pop() {
            Some(Token::Word(label)) => matchers.push(matcher(label, rest)?),
            Some(Token::Sign(sign)) if sign == "," => {}
            Some(Token::Sign(sign)) if sign == "}" => return Ok(matchers),
            other => bail!("{other:?} among labels"),
        }
    }
}

fn matcher(label: String, rest: &mut Vec<Token>) -> anyhow::Result<Matcher> {
    let alternatives = match rest.pop() {
        Some(Token::Sign(sign)) if sign == "=" || sign == "!=" => false,
        Some(Token::Sign(sign)) if sign == "=~" || sign == "!~" => true,
        other => bail!("{other:?} after the label `{label}`"),
    };
    match rest.pop() {
        Some(Token::Text(value)) => Ok(Matcher { label, value, alternatives }),
        other => bail!("{other:?} is no value of `{label}`"),
    }
}

fn expect(rest: &mut Vec<Token>, wanted: &str) -> anyhow::Result<()> {
    match rest.pop() {
        Some(Token::Sign(sign)) if sign == wanted => Ok(()),
        other => bail!("{other:?} where `{wanted}` should be"),
    }
}

fn tokens(text: &str) -> anyhow::Result<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '"' => text_token(rest)?,
            '[' => (Token::Amount, rest.find(']').context("a `[` is not closed")? + 1),
            'a'..='z' | 'A'..='Z' | '_' => {
                let word = run(rest, |c| c.is_ascii_alphanumeric() || c == '_');
                (Token::Word(word.to_owned()), word.len())
            }
            '0'..='9' => (Token::Amount, run(rest, |c| c.is_ascii_digit() || c == '.').len()),
            '(' | ')' | '{' | '}' | ',' | '+' | '-' | '*' | '/' => {
                (Token::Sign(first.to_string()), 1)
            }
            '=' | '!' | '<' | '>' => {
                let sign = run(rest, |c| "=!<>~".contains(c));
                (Token::Sign(sign.to_owned()), sign.len())
            }
            other => bail!("`{other}` has no meaning"),
        };
        tokens.push(token);
        rest = rest.get(length..).unwrap_or_default().trim_start();
    }
    Ok(tokens)
}

fn text_token(rest: &str) -> anyhow::Result<(Token, usize)> {
    let inside = rest.split('"').nth(1).filter(|inside| rest.len() > inside.len() + 1);
    let inside = inside.context("a text is not closed")?;
    Ok((Token::Text(inside.to_owned()), inside.len() + 2))
}

fn run(rest: &str, is_part: impl Fn(char) -> bool) -> &str {
    rest.find(|c| !is_part(c)).and_then(|end| rest.get(..end)).unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_says_which_metrics_it_needs() {
        let text = "sum by (hop) (rate(a_total{hop=\"decap\",r!~\"x|y\"}[5m])) > 0.5 and b == 1";
        let query = Query::read(text).unwrap();
        let matcher = |label: &str, value: &str, alternatives| Matcher {
            label: label.into(),
            value: value.into(),
            alternatives,
        };
        let matchers = vec![matcher("hop", "decap", false), matcher("r", "x|y", true)];
        let a = Selector { metric: "a_total".into(), matchers };
        let b = Selector { metric: "b".into(), matchers: Vec::new() };
        assert_eq!(query.selectors, [a, b]);
        assert_eq!(query.grouped, BTreeSet::from(["hop".to_owned()]));
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for text in [
            "frobnicate(a)",
            "sum(a",
            "a)",
            "a{b}",
            "a{b=c}",
            "a{b=\"c}",
            "rate(a[5m)",
            "sum by hop (a)",
            "\"a\"",
            "a ? b",
            "rate > 1",
        ] {
            assert!(Query::read(text).is_err(), "{text}");
        }
    }
}
