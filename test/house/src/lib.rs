//! The repository's own tests: layers, sizes, documents
