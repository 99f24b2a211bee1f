//! What an agent shows to Prometheus, read back.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, bail, ensure};

use crate::promql::{Matcher, Query, Selector};

/// Labels that Prometheus gives to whatever it scrapes.
const OF_THE_TARGET: [&str; 2] = ["instance", "job"];
/// The metric that Prometheus makes itself of each scrape.
const OF_THE_SCRAPE: &str = "up";

/// One scrape: every metric with what it has for labels, and the help texts.
#[derive(Clone, Debug, Default)]
pub struct Exposition {
    /// The help texts, by the name of the family: counters are without `_total`.
    pub help: BTreeMap<String, String>,
    /// The samples' labels, by the metric's name.
    pub series: BTreeMap<String, Vec<BTreeMap<String, String>>>,
    /// The samples' values; of several the sum.
    pub values: BTreeMap<String, f64>,
}

impl Exposition {
    /// Reads `OpenMetrics` text.
    ///
    /// # Errors
    ///
    /// If a line is none of that format, or the end is missing.
    pub fn read(text: &str) -> anyhow::Result<Self> {
        let mut read = Self::default();
        for line in text.lines() {
            read.line(line).with_context(|| format!("the line `{line}`"))?;
        }
        ensure!(text.ends_with("# EOF\n"), "the text is cut off");
        Ok(read)
    }

    fn line(&mut self, line: &str) -> anyhow::Result<()> {
        if let Some(comment) = line.strip_prefix("# ") {
            if let Some((name, text)) =
                comment.strip_prefix("HELP ").and_then(|rest| rest.split_once(' '))
            {
                self.help.insert(name.to_owned(), text.to_owned());
            }
            return Ok(());
        }
        let (series, value) = line.rsplit_once(' ').context("it has no value")?;
        let query = Query::read(series)?;
        let [Selector { metric, matchers }] = query.selectors.as_slice() else {
            bail!("it is not one series")
        };
        let labels = matchers.iter().map(|m| (m.label.clone(), m.value.clone())).collect();
        self.series.entry(metric.clone()).or_default().push(labels);
        *self.values.entry(metric.clone()).or_default() += value.parse::<f64>()?;
        Ok(())
    }

    /// What a query asks for that is not here; `shown` are labels that its reader expects.
    #[must_use]
    pub fn complaints(&self, query: &Query, shown: &BTreeSet<String>) -> Vec<String> {
        let mut complaints: Vec<String> =
            query.selectors.iter().flat_map(|selector| self.missing(selector)).collect();
        let known = |label: &&String| {
            let of = |selector: &Selector| self.has_label(&selector.metric, label);
            OF_THE_TARGET.contains(&label.as_str()) || query.selectors.iter().any(of)
        };
        let grouped = query.grouped.iter().filter(|label| !known(label));
        complaints.extend(grouped.map(|label| format!("no metric of it has the label `{label}`")));
        let lost = shown.iter().filter(|label| match query.grouped.is_empty() {
            true => !known(label),
            false => !query.grouped.contains(*label),
        });
        complaints.extend(lost.map(|label| format!("the label `{label}` is shown and not kept")));
        complaints
    }

    fn missing(&self, selector: &Selector) -> Vec<String> {
        let Selector { metric, matchers } = selector;
        if !self.series.contains_key(metric) && metric != OF_THE_SCRAPE {
            return vec![format!("there is no metric `{metric}`")];
        }
        let own = matchers.iter().filter(|m| !OF_THE_TARGET.contains(&m.label.as_str()));
        own.flat_map(|matcher| self.unmatched(metric, matcher)).collect()
    }

    fn unmatched(&self, metric: &str, matcher: &Matcher) -> Vec<String> {
        let Matcher { label, value, alternatives } = matcher;
        if !self.has_label(metric, label) {
            return vec![format!("`{metric}` has no label `{label}`")];
        }
        let wanted: Vec<&str> =
            if *alternatives { value.split('|').collect() } else { vec![value] };
        let values: BTreeSet<&str> = self
            .series
            .get(metric)
            .into_iter()
            .flatten()
            .filter_map(|labels| labels.get(label).map(String::as_str))
            .collect();
        let unknown = wanted.iter().filter(|value| !values.contains(**value));
        unknown.map(|value| format!("`{metric}` never has {label}=\"{value}\"")).collect()
    }

    fn has_label(&self, metric: &str, label: &str) -> bool {
        let series = self.series.get(metric);
        series.is_some_and(|series| series.iter().all(|labels| labels.contains_key(label)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# HELP weft_path_drops What was dropped.
# TYPE weft_path_drops counter
weft_path_drops_total{hop=\"decap\",reason=\"fragment\"} 3
weft_path_drops_total{hop=\"decap\",reason=\"not_owner\"} 4
# HELP weft_agent_nodes Nodes.
weft_agent_nodes 5
# EOF
";

    fn complaints(query: &str, shown: &[&str]) -> Vec<String> {
        let shown = shown.iter().map(ToString::to_string).collect();
        Exposition::read(TEXT).unwrap().complaints(&Query::read(query).unwrap(), &shown)
    }

    #[test]
    fn a_scrape_is_read() {
        let read = Exposition::read(TEXT).unwrap();
        assert_eq!(read.values["weft_path_drops_total"], 7.0);
        assert_eq!(read.help["weft_agent_nodes"], "Nodes.");
        assert!(Exposition::read("weft_agent_nodes 5\n").is_err(), "cut off");
        assert!(Exposition::read("weft_agent_nodes\n# EOF\n").is_err(), "no value");
    }

    #[test]
    fn what_is_there_is_no_complaint() {
        for query in [
            "weft_agent_nodes > 0 and up{job=\"weft\"} == 1",
            "sum by (instance, reason) (rate(weft_path_drops_total{hop=\"decap\"}[5m]))",
            "weft_path_drops_total{reason=~\"fragment|not_owner\"}",
        ] {
            assert_eq!(complaints(query, &[]), [""; 0], "{query}");
        }
        assert_eq!(complaints("sum by (hop) (weft_path_drops_total)", &["hop"]), [""; 0]);
    }

    #[test]
    fn what_is_not_there_is_named() {
        for (query, word) in [
            ("weft_agent_node", "weft_agent_node"),
            ("weft_agent_nodes{hop=\"decap\"}", "hop"),
            ("weft_path_drops_total{reason=\"fragments\"}", "fragments"),
            ("weft_path_drops_total{reason=~\"fragment|other\"}", "other"),
            ("sum by (outcome) (weft_path_drops_total)", "outcome"),
        ] {
            let told = complaints(query, &[]);
            assert!(told.len() == 1 && told[0].contains(word), "{query}: {told:?}");
        }
        assert_eq!(complaints("sum by (hop) (weft_path_drops_total)", &["reason"]).len(), 1);
    }
}
