//! Several programs that use both stores at once.
