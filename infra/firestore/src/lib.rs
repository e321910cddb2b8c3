//! The hot documents on Firestore.
