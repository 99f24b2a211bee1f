//! Links and sections of documents.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

/// One document.
#[derive(Clone, Debug)]
pub struct Document {
    /// From the top: `docs/path.md`.
    pub path: String,
    /// All of it.
    pub text: String,
}

/// Links that lead nowhere.
///
/// `exists` says of a path from the top whether there is a file or folder; `documents` are where
/// anchors are looked for.
#[must_use]
pub fn link_complaints(
    document: &Document,
    documents: &[Document],
    exists: &dyn Fn(&str) -> bool,
) -> Vec<String> {
    let broken = |link: &String| !resolves(document, link, documents, exists);
    let complain = |link: String| format!("{}: link to `{link}` leads nowhere", document.path);
    links(&document.text).into_iter().filter(broken).map(complain).collect()
}

fn resolves(
    from: &Document,
    link: &str,
    documents: &[Document],
    exists: &dyn Fn(&str) -> bool,
) -> bool {
    if link.contains("://") || link.starts_with("mailto:") {
        return true;
    }
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let path = if file.is_empty() { from.path.clone() } else { beside(&from.path, file) };
    let target = documents.iter().find(|document| document.path == path);
    match (anchor, target) {
        ("", _) => exists(&path),
        (_, None) => false,
        (_, Some(target)) => anchors(&target.text).contains(anchor),
    }
}

/// `../a.md` as seen from `docs/b.md` is `a.md`.
fn beside(from: &str, link: &str) -> String {
    let mut path = PathBuf::from(from);
    path.pop();
    for part in Path::new(link).components() {
        match part {
            Component::ParentDir => drop(path.pop()),
            Component::CurDir => {}
            Component::Normal(_) | Component::RootDir | Component::Prefix(_) => path.push(part),
        }
    }
    path.to_string_lossy().into_owned()
}

/// The targets of `[text](target)`, code left out.
fn links(text: &str) -> Vec<String> {
    let prose = prose(text);
    let targets = prose.split("](").skip(1);
    targets.filter_map(|rest| rest.split_once(')')).map(|(link, _)| link.to_owned()).collect()
}

/// The text without fenced and inline code.
fn prose(text: &str) -> String {
    let unfenced: Vec<&str> = text.split("\n```").step_by(2).collect();
    unfenced.join("\n").split('`').step_by(2).collect()
}

/// The titles of all sections, of every depth.
#[must_use]
pub fn section_titles(text: &str) -> Vec<String> {
    let unfenced: Vec<&str> = text.split("\n```").step_by(2).collect();
    let joined = unfenced.join("\n");
    let titles = joined.lines().filter(|line| line.starts_with('#'));
    titles.map(|line| line.trim_start_matches('#').trim().to_owned()).collect()
}

fn anchors(text: &str) -> BTreeSet<String> {
    section_titles(text).iter().map(|title| anchor(title)).collect()
}

/// As code hosts make them: lower case, spaces to hyphens, other signs dropped.
fn anchor(title: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    title.to_lowercase().chars().filter(kept).map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_to_files_and_sections_are_followed() {
        let text = "# A\n[ok](../README.md) [ok](b.md#the-end) [ok](#a) [ok](https://a.b/c) \
            `[code](nowhere)`\n```\n[fenced](nowhere)\n```\n";
        assert_eq!(complaints(text), Vec::<String>::new());
    }

    #[test]
    fn links_to_nowhere_are_told() {
        let text = "[one](c.md) [two](b.md#start) [three](#b)";
        let expected = ["c.md", "b.md#start", "#b"]
            .map(|link| format!("docs/a.md: link to `{link}` leads nowhere"));
        assert_eq!(complaints(text), expected);
    }

    fn complaints(text: &str) -> Vec<String> {
        let document = |path: &str, text: &str| Document { path: path.into(), text: text.into() };
        let this = document("docs/a.md", text);
        let documents = [this.clone(), document("docs/b.md", "## The end.\n")];
        link_complaints(&this, &documents, &|path| matches!(path, "README.md" | "docs/b.md"))
    }
}
