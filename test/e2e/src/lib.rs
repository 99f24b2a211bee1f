//! End-to-end tests on the real kernel and real Docker Engines
