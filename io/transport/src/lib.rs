//! Authenticated QUIC between nodes
