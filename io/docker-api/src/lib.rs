//! The Docker Engine's HTTP API, as far as Weft calls it
