//! The admin API's contract: request and response shapes, and its client
