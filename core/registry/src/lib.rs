//! What should exist: keys, records and the transactions that change them
