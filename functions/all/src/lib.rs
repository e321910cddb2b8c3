//! All functions, put together from the ports.
