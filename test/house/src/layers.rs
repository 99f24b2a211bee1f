//! Dependencies point down: `test → app → io → core`.

use std::collections::BTreeMap;

use serde_json::Value;

/// What `core/` may use of other people's: nothing that reaches the outside world.
const CORE_MAY_USE: [&str; 9] =
    ["bytes", "foca", "ipnet", "rand", "rand_pcg", "serde", "serde_json", "thiserror", "tracing"];

/// One crate of the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crate {
    /// Its name.
    pub name: String,
    /// Its folder from the top: `core/model`.
    pub folder: String,
    /// What it depends on of the workspace, for tests and builds too.
    pub ours: Vec<String>,
    /// What it depends on of others, tests not counted.
    pub theirs: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layer {
    Core,
    Io,
    App,
    Test,
}

impl Layer {
    fn of(folder: &str) -> Option<Self> {
        match folder.split_once('/')?.0 {
            "core" => Some(Self::Core),
            "io" => Some(Self::Io),
            "app" => Some(Self::App),
            "test" => Some(Self::Test),
            _ => None,
        }
    }

    /// Crates of `io/` do not know each other: `app/` introduces them.
    const fn may_use(self, other: Self) -> bool {
        match self {
            Self::Core | Self::Io => matches!(other, Self::Core),
            Self::App => matches!(other, Self::Core | Self::Io | Self::App),
            Self::Test => true,
        }
    }
}

/// Reads what `cargo metadata --no-deps` prints.
///
/// # Errors
///
/// What is wrong with the JSON.
pub fn workspace_crates(metadata: &str) -> Result<Vec<Crate>, serde_json::Error> {
    let metadata: Value = serde_json::from_str(metadata)?;
    let top = format!("{}/", text(&metadata, "workspace_root"));
    Ok(list(&metadata, "packages").iter().map(|package| one_crate(package, &top)).collect())
}

fn one_crate(package: &Value, top: &str) -> Crate {
    let manifest = text(package, "manifest_path");
    let folder = manifest.strip_prefix(top).unwrap_or(manifest);
    let names = |wanted: &dyn Fn(&Value) -> bool| {
        let all = list(package, "dependencies").iter();
        all.filter(|d| wanted(d)).map(|d| text(d, "name").to_owned()).collect()
    };
    let of_path = |dependency: &Value| dependency.get("path").is_some_and(Value::is_string);
    let for_tests = |dependency: &Value| text(dependency, "kind") == "dev";
    Crate {
        name: text(package, "name").to_owned(),
        folder: folder.strip_suffix("/Cargo.toml").unwrap_or(folder).to_owned(),
        ours: names(&of_path),
        theirs: names(&|dependency| !of_path(dependency) && !for_tests(dependency)),
    }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Every arrow that does not point down, and every crate that has no layer.
#[must_use]
pub fn layer_complaints(crates: &[Crate]) -> Vec<String> {
    let layers: BTreeMap<&str, Layer> = crates
        .iter()
        .filter_map(|one| Some((one.name.as_str(), Layer::of(&one.folder)?)))
        .collect();
    crates.iter().flat_map(|one| complaints_about(one, &layers)).collect()
}

fn complaints_about(one: &Crate, layers: &BTreeMap<&str, Layer>) -> Vec<String> {
    let Crate { name, folder, .. } = one;
    let Some(&layer) = layers.get(name.as_str()) else {
        return vec![format!("{name} is in {folder}: crates live in core/, io/, app/ or test/")];
    };
    let mut complaints = Vec::new();
    let expected = format!("weft-{}", folder.rsplit('/').next().unwrap_or_default());
    if *name != expected && folder != "app/weft" {
        complaints.push(format!("{name} is in {folder}: it is to be called {expected}"));
    }
    for other in &one.ours {
        match layers.get(other.as_str()) {
            Some(&below) if layer.may_use(below) => {}
            Some(below) => complaints.push(format!(
                "{name} ({layer:?}) depends on {other} ({below:?}): dependencies point down"
            )),
            None => complaints.push(format!("{name} depends on {other}, which has no layer")),
        }
    }
    let foreign = |other: &&String| !CORE_MAY_USE.contains(&other.as_str());
    if layer == Layer::Core {
        complaints.extend(one.theirs.iter().filter(foreign).map(|other| {
            format!("{name} depends on {other}: core/ decides, it does not touch the world")
        }));
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_that_point_down_are_fine() {
        let crates = [
            made_up("core/model", &[], &["serde"]),
            made_up("core/plan", &["weft-model"], &[]),
            made_up("io/kernel", &["weft-plan"], &["tokio"]),
            made_up("app/agent", &["weft-kernel", "weft-plan"], &[]),
            made_up("test/e2e", &["weft-agent", "weft-kernel"], &[]),
        ];
        assert_eq!(layer_complaints(&crates), Vec::<String>::new());
    }

    #[test]
    fn an_arrow_that_points_up_is_told() {
        let up = [made_up("core/plan", &["weft-kernel"], &[]), made_up("io/kernel", &[], &[])];
        let expected = "weft-plan (Core) depends on weft-kernel (Io): dependencies point down";
        assert_eq!(layer_complaints(&up), [expected]);
    }

    #[test]
    fn crates_of_io_do_not_know_each_other() {
        let aside = [made_up("io/kernel", &["weft-store"], &[]), made_up("io/store", &[], &[])];
        assert_eq!(layer_complaints(&aside).len(), 1);
    }

    #[test]
    fn a_crate_outside_the_layers_is_told() {
        let lost = [made_up("extra/tool", &[], &[]), made_up("core/model", &["weft-tool"], &[])];
        assert_eq!(layer_complaints(&lost).len(), 2);
    }

    #[test]
    fn core_does_not_touch_the_world() {
        let core = [made_up("core/model", &[], &["serde", "tokio"])];
        assert_eq!(layer_complaints(&core).len(), 1);
    }

    #[test]
    fn metadata_is_read() {
        let metadata = r#"{"workspace_root": "/w", "packages": [{"name": "weft-plan",
            "manifest_path": "/w/core/plan/Cargo.toml", "dependencies": [
            {"name": "weft-model", "path": "/w/core/model", "kind": null},
            {"name": "serde", "kind": null}, {"name": "proptest", "kind": "dev"}]}]}"#;
        let expected = made_up("core/plan", &["weft-model"], &["serde"]);
        assert_eq!(workspace_crates(metadata).unwrap(), [expected]);
    }

    fn made_up(folder: &str, ours: &[&str], theirs: &[&str]) -> Crate {
        let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        let name = format!("weft-{}", folder.rsplit('/').next().unwrap());
        Crate { name, folder: folder.to_owned(), ours: owned(ours), theirs: owned(theirs) }
    }
}
