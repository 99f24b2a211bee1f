//! The daemon: everything brought together on one host
