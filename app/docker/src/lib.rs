//! Docker's remote network and IPAM drivers, the mirror of networks, the watcher of names
