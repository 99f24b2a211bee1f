//! Scripts of tables, with words in them that stand for what is known only when the hosts are up.

use weft_lab::Host;

/// What stands for addresses and names; the longer of two words that begin alike goes first.
#[derive(Clone, Debug, Default)]
pub struct Words(Vec<(&'static str, String)>);

impl Words {
    /// These words.
    #[must_use]
    pub const fn new(words: Vec<(&'static str, String)>) -> Self {
        Self(words)
    }

    /// One more.
    #[must_use]
    pub fn with(mut self, word: &'static str, means: impl Into<String>) -> Self {
        self.0.push((word, means.into()));
        self
    }

    /// The text with what its words stand for.
    #[must_use]
    pub fn fill(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (word, means)| text.replace(word, means))
    }

    /// Lets a host's shell do what the script says.
    ///
    /// # Errors
    ///
    /// If it fails.
    pub async fn shell(&self, host: &Host, script: &str) -> anyhow::Result<String> {
        Ok(host.run(&["sh", "-c", &self.fill(script)]).await?)
    }
}
