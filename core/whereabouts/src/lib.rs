//! Which endpoint sits on which node: one stream per network and owner
