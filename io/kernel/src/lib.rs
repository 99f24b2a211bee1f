//! Linux as Weft uses it: netlink, nftables, namespaces, capture
