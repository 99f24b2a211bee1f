//! What an agent shows to Prometheus, and the files that are made for it: no dashboard, alert or
//! table of the documents asks for a metric or a label that a real agent does not have.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use weft_e2e::{Cluster, Exposition, Kind, Query, eventually, holds};
use weft_lab::Host;

/// Within this time an agent that was started has read its state.
const SOON: Duration = Duration::from_secs(10);
/// A help text that is shorter says nothing of what to do.
const HELPFUL: usize = 24;

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_that_a_file_or_a_document_names_is_there() {
    let cluster = Cluster::up(2, Kind::Plain).await.unwrap();
    let h1 = cluster.host("h1").unwrap();
    cluster.network("app", &[]).await.unwrap();
    let c1 = cluster.plain("h1", "app", "c1", &[]).await.unwrap();
    let c2 = cluster.plain("h2", "app", "c2", &[]).await.unwrap();
    let configure = "echo 'metrics = \"127.0.0.1:9788\"' > /etc/weft/weft.toml";
    h1.run(&["sh", "-c", configure]).await.unwrap();
    h1.stop_agent().await.unwrap();
    h1.start_agent().await.unwrap();
    eventually(SOON, || c1.reaches(&c2)).await.unwrap();
    let scraped = eventually(SOON, || scrape(h1)).await.unwrap();
    assert_eq!(scraped.values["weft_agent_member"], 1.0);
    assert_eq!(scraped.values["weft_agent_nodes"], 2.0);
    assert_eq!(scraped.values["weft_agent_endpoints"], 1.0);
    for (metric, least) in [("votes", 1.0), ("leads", 1.0), ("term", 1.0), ("applied", 3.0)] {
        let value = scraped.values[&format!("weft_manager_{metric}")];
        assert!(value >= least, "weft_manager_{metric} is {value}");
    }
    assert!(scraped.values["weft_manager_store_bytes"] > 4_096.0);

    let (mut complaints, mut used) = (Vec::new(), BTreeSet::new());
    for (place, expression, shown) in
        [rules(), dashboard(), documents()].into_iter().flatten().collect::<Vec<_>>()
    {
        let query = Query::read(&expression).unwrap_or_else(|error| panic!("{place}: {error:#}"));
        assert!(!query.selectors.is_empty(), "{place} asks for nothing: {expression}");
        used.extend(query.selectors.iter().map(|selector| selector.metric.clone()));
        let missing = scraped.complaints(&query, &shown);
        complaints.extend(missing.into_iter().map(|missing| format!("{place}: {missing}")));
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));

    let unused: Vec<&String> = scraped.series.keys().filter(|name| !used.contains(*name)).collect();
    assert!(unused.is_empty(), "no dashboard, alert or document shows {unused:?}");
    for (name, help) in &scraped.help {
        assert!(help.len() >= HELPFUL, "what to do when {name} moves: `{help}`");
    }
    cluster.down().await.unwrap();
}

/// An expression, where it stands, and the labels that are shown of it.
type Asked = (String, String, BTreeSet<String>);

async fn scrape(host: &Host) -> anyhow::Result<Exposition> {
    let page = ["busybox", "wget", "-q", "-O", "-", "http://127.0.0.1:9788/metrics"];
    let scraped = Exposition::read(&host.run(&page).await?)?;
    holds(scraped.values["weft_agent_nodes"] > 1.0, || "the state is not read yet".into())?;
    Ok(scraped)
}

fn file(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).unwrap()
}

/// The alerts: each is a mapping of one form, one key a line.
fn rules() -> Vec<Asked> {
    const KEYS: [&str; 6] = ["expr", "for", "labels", "annotations", "summary", "description"];
    let text = file("dist/prometheus/weft.rules.yml");
    let alerts: Vec<&str> = text.split("      - alert: ").skip(1).collect();
    assert!(alerts.len() > 10, "{} alerts", alerts.len());
    let asked = alerts.iter().map(|alert| {
        let (name, body) = alert.split_once('\n').unwrap();
        let pairs: Vec<_> = body
            .lines()
            .map(|line| line.trim().split_once(':').unwrap_or_else(|| panic!("{name}: {line}")))
            .collect();
        assert!(pairs.iter().all(|(key, _)| KEYS.contains(key)), "{name}: {pairs:?}");
        let value = |key| pairs.iter().find(|(known, _)| *known == key).map(|(_, value)| *value);
        assert!(value("description").unwrap().contains("Try: "), "{name} says what to do");
        let shown =
            ["summary", "description"].map(|key| templates(value(key).unwrap(), "$labels."));
        (name.to_owned(), value("expr").unwrap().to_owned(), shown.into_iter().flatten().collect())
    });
    asked.collect()
}

/// The panels, and what fills the choice of hosts.
fn dashboard() -> Vec<Asked> {
    let dashboard: Value = serde_json::from_str(&file("dist/grafana/weft.json")).unwrap();
    let mut asked = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        let title = panel["title"].as_str().unwrap().to_owned();
        for target in panel["targets"].as_array().into_iter().flatten() {
            let shown = templates(target["legendFormat"].as_str().unwrap(), "");
            asked.push((title.clone(), target["expr"].as_str().unwrap().to_owned(), shown));
        }
    }
    assert!(asked.len() > 10, "{} panels", asked.len());
    let choice = dashboard["templating"]["list"][1]["query"].as_str().unwrap();
    let of = choice.strip_prefix("label_values(").and_then(|rest| rest.split_once(',')).unwrap();
    asked.push(("the choice of hosts".into(), of.0.to_owned(), BTreeSet::new()));
    asked
}

/// Every metric in a code span of the documents, with `{label}` or `{label="value"}`.
fn documents() -> Vec<Asked> {
    let mut asked = Vec::new();
    for path in ["README.md", "docs/operating.md", "docs/path.md"] {
        for code in file(path).split('`').skip(1).step_by(2).filter(|c| c.starts_with("weft_")) {
            let (name, labels) = code.split_once('{').unwrap_or((code, ""));
            let labels = labels.trim_end_matches('}').split(',').filter(|label| !label.is_empty());
            let (narrowed, named): (Vec<&str>, Vec<&str>) =
                labels.partition(|label| label.contains('='));
            // Log filters name crates.
            if name.contains('=') || name.contains("::") {
                continue;
            }
            let expression = format!("{name}{{{}}}", narrowed.join(","));
            asked.push((
                path.to_owned(),
                expression,
                named.iter().map(ToString::to_string).collect(),
            ));
        }
    }
    assert!(asked.len() > 5, "{asked:?}");
    asked
}

/// The labels in `{{…}}`.
fn templates(text: &str, prefix: &str) -> BTreeSet<String> {
    let inside = text.split("{{").skip(1).filter_map(|rest| rest.split_once("}}"));
    inside.filter_map(|(name, _)| Some(name.trim().strip_prefix(prefix)?.to_owned())).collect()
}
