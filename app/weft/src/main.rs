//! The one binary: argv decides between agent, client and lab.

fn main() {}
