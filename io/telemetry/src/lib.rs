//! Logs, metrics and the end of the process: what every program of Weft shows of itself.
//!
//! Nothing here knows what is logged or counted. Each crate keeps its own metric families in a
//! `metrics` module; the composition root registers them here.

pub mod field;
mod logs;
mod metrics;
mod shutdown;

pub use logs::{Format, LogsError, start_logs};
pub use metrics::{Metrics, TEXT_TYPE};
pub use shutdown::{ShutdownError, on_signals};
