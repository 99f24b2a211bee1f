//! Rules for single source files.

/// The most product lines of a file.
const LONGEST: usize = 300;

/// One source file.
#[derive(Clone, Debug)]
pub struct Source {
    /// From the top: `core/model/src/hop.rs`.
    pub path: String,
    /// All of it.
    pub text: String,
}

impl Source {
    /// Whether all of it is test code.
    #[must_use]
    pub fn is_test(&self) -> bool {
        let path = &self.path;
        path.starts_with("test/") || path.contains("/tests/") || path.ends_with("/tests.rs")
    }
}

/// Lines that are neither blank, nor comment, nor in the test module at the end.
#[must_use]
pub fn product_lines(text: &str) -> usize {
    let product = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let counts = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with("//");
    product.lines().filter(counts).count()
}

/// A file that does too much; `exceptions` are paths with the reason why they are long.
#[must_use]
pub fn length_complaints(source: &Source, exceptions: &[(&str, &str)]) -> Vec<String> {
    let length = product_lines(&source.text);
    let excused = exceptions.iter().any(|(path, _reason)| *path == source.path);
    if source.is_test() || excused || length <= LONGEST {
        return Vec::new();
    }
    vec![format!("{} has {length} product lines, {LONGEST} are the most: split it", source.path)]
}

/// A file that does not say first what it is for.
#[must_use]
pub fn head_complaints(source: &Source) -> Vec<String> {
    if source.text.starts_with("//!") {
        return Vec::new();
    }
    vec![format!("{} does not begin with `//!`: what is it for?", source.path)]
}

/// Lines of code that hold one of `words`.
#[must_use]
pub fn forbidden_words(source: &Source, words: &[&str]) -> Vec<String> {
    let mut complaints = Vec::new();
    for (number, line) in source.text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        for word in words.iter().filter(|word| code.contains(**word)) {
            complaints.push(format!("{}:{}: `{word}`", source.path, number + 1));
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_blank_lines_and_tests_are_no_product() {
        let text = "//! Doc.\n\nfn a() {\n    // why\n}\n\n#[cfg(test)]\nmod tests {\n}\n";
        assert_eq!(product_lines(text), 2);
    }

    #[test]
    fn a_long_file_is_told_unless_it_is_excused_or_a_test() {
        let text = "x();\n".repeat(301);
        let source = |path: &str| Source { path: path.to_owned(), text: text.clone() };
        assert_eq!(length_complaints(&source("core/a/src/b.rs"), &[]).len(), 1);
        assert!(
            length_complaints(&source("core/a/src/b.rs"), &[("core/a/src/b.rs", "so")]).is_empty()
        );
        assert!(length_complaints(&source("core/a/tests/b.rs"), &[]).is_empty());
        assert!(length_complaints(&source("core/a/src/b/tests.rs"), &[]).is_empty());
    }

    #[test]
    fn words_in_comments_are_allowed() {
        let text = "// later()\nlater(); // now\n".to_owned();
        let source = Source { path: "a.rs".to_owned(), text };
        assert_eq!(forbidden_words(&source, &["later("]), ["a.rs:2: `later(`"]);
    }

    #[test]
    fn a_file_says_first_what_it_is_for() {
        let source = |text: &str| Source { path: "a.rs".to_owned(), text: text.to_owned() };
        assert!(head_complaints(&source("//! A.\n")).is_empty());
        assert_eq!(head_complaints(&source("use a;\n")).len(), 1);
    }
}
