//! Events over Pub/Sub.
