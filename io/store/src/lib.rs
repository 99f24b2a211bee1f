//! Revisioned key-value stores: in memory, and durable on redb
