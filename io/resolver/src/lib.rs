//! The name server that containers ask
