//! Blocks, leases and rest: which node may give out which address
