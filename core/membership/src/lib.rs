//! Which nodes are up, as seen from this one
