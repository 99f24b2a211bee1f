//! Logs, metrics and the names of their fields
