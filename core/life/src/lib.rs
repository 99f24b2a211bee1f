//! Whether workloads run: whose first process is waited for, and what is told once it has ended.
//!
//! A runtime such as Docker tells late that a container has ended: it first puts its own things in order.
//! The kernel tells at once, of a process that somebody holds. [`Runs`] decides which processes those
//! are, and [`Life`] what follows for an endpoint.
//!
//! **Invariant:** the end of one run never ends an endpoint of another one: a container that was
//! started again has another process, or the same number at another time.

mod ended;
mod life;
mod runs;

pub use ended::ended;
pub use life::Life;
pub use runs::{Run, Runs, Turn};
