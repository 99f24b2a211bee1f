//! What is wrong with a host or with the way to another one: observations in, findings out.
//!
//! One module a subject, one function a judgement. Nothing is looked at here, and nothing is
//! mended: who observes is elsewhere, and a finding says what a person is to type. What cannot be
//! told for sure is no error: a doctor who cries wolf is not asked again.

pub mod capacity;
pub mod certificate;
pub mod checksum;
pub mod clock;
mod diagnosis;
pub mod engine;
mod finding;
pub mod firewall;
pub mod host;
pub mod port;
pub mod subnets;
pub mod way;

pub use diagnosis::Diagnosis;
pub use finding::{Check, Finding, Severity};
