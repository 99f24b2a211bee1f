//! The registry of metrics and its text form.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::encoding::text;
use prometheus_client::registry::{Metric, Registry};

/// The content type of [`Metrics::encode`]'s text.
pub const TEXT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Every metric of the process; clones share one list.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Mutex<Registry>>);

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// An empty list. Every metric of it is called `weft_…`.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Registry::with_prefix("weft"))))
    }

    /// Adds a metric, which keeps counting where it is.
    ///
    /// `name` is without `weft_`, and for counters without `_total`; `help` says what to do when
    /// it moves.
    pub fn register(&self, name: &str, help: &str, metric: impl Metric) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).register(name, help, metric);
    }

    /// All metrics in the `OpenMetrics` text format, which Prometheus reads.
    ///
    /// # Errors
    ///
    /// [`fmt::Error`] if a metric does not encode itself.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let mut out = String::new();
        text::encode(&mut out, &self.0.lock().unwrap_or_else(PoisonError::into_inner))?;
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::metrics::counter::Counter;

    use super::*;

    #[test]
    fn a_metric_is_read_while_it_counts_elsewhere() {
        let metrics = Metrics::new();
        let counter = Counter::<u64>::default();
        metrics.register("resolver_queries", "Questions of containers", counter.clone());
        counter.inc();
        let text = metrics.clone().encode().unwrap();
        assert!(text.contains("weft_resolver_queries_total 1"), "{text}");
        assert!(text.ends_with("# EOF\n"), "{text}");
    }
}
