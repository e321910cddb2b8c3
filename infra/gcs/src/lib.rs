//! Strategy modules, verified components and compiled code in Cloud Storage.
