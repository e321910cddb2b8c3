//! The functions on Google Cloud: settings, callers, one program that serves any of them.
