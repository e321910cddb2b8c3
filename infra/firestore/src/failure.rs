//! What Firestore's answers mean to a caller of the port.

use std::error::Error;

use firestore::gcloud_sdk::error::{Error as SdkError, ErrorKind};
use firestore::gcloud_sdk::google_cloud_auth::errors::CredentialsError;
use firestore::gcloud_sdk::tonic::{Code, Status};
use sentinel_domain::documents::StoreError;

const SIGN_IN: &str = "on a laptop: gcloud auth application-default login; in the cloud: check the service account";

/// Returns what `status` of the database at `path` means.
pub(crate) fn store_error(path: &str, status: &Status) -> StoreError {
    let store = path.to_owned();
    if let Some(error) = credentials_error(status) {
        let reason = format!("no token to sign in with: {}", chain(error));
        if error.is_transient() {
            return StoreError::Unavailable { store, reason };
        }
        return StoreError::Failed { store, reason: format!("{reason}; {SIGN_IN}") };
    }
    let said = said(status);
    match status.code() {
        Code::Unavailable
        | Code::Aborted
        | Code::Cancelled
        | Code::DeadlineExceeded
        | Code::ResourceExhausted
        | Code::Internal
        | Code::Unknown => StoreError::Unavailable { store, reason: said },
        Code::NotFound => {
            let reason = format!("{said}; check the project and the database, or create it by terraform apply");
            StoreError::Failed { store, reason }
        }
        Code::Unauthenticated => StoreError::Failed { store, reason: format!("{said}; {SIGN_IN}") },
        Code::PermissionDenied => {
            let reason = format!("{said}; the account that signed in needs roles/datastore.user on the project");
            StoreError::Failed { store, reason }
        }
        Code::Ok
        | Code::InvalidArgument
        | Code::AlreadyExists
        | Code::FailedPrecondition
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::DataLoss => StoreError::Failed { store, reason: said },
    }
}

/// Returns the code and the message.
pub(crate) fn said(status: &Status) -> String {
    format!("{:?}: {}", status.code(), status.message())
}

/// Returns whether a call failed for want of a token, which has been asked for more than once by then.
pub(crate) fn is_about_credentials(status: &Status) -> bool {
    credentials_error(status).is_some()
}

/// The library that asks for tokens hands its error over inside that of the call, boxed once or twice.
fn credentials_error(status: &Status) -> Option<&CredentialsError> {
    let mut next = status.source();
    while let Some(error) = next {
        let sdk = error.downcast_ref::<SdkError>().or_else(|| error.downcast_ref::<Box<SdkError>>().map(AsRef::as_ref));
        if let Some(ErrorKind::Credentials(found)) = sdk.map(SdkError::kind) {
            return Some(found);
        }
        if let Some(found) = error.downcast_ref::<CredentialsError>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text = format!("{text}: {source}");
        next = source.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_is_retryable_and_what_a_person_must_mend_says_how() {
        let check = |code: Code, retryable: bool, part: &str| {
            let error = store_error("projects/p/databases/d", &Status::new(code, "the reason"));
            assert_eq!(error.is_retryable(), retryable, "{error}");
            assert!(!error.is_conflict(), "{error}");
            let text = error.to_string();
            assert!(text.contains("projects/p/databases/d") && text.contains("the reason"), "{text}");
            assert!(text.contains(part), "{text}");
        };
        check(Code::Unavailable, true, "try again");
        check(Code::Aborted, true, "try again");
        check(Code::DeadlineExceeded, true, "try again");
        check(Code::ResourceExhausted, true, "try again");
        check(Code::Unknown, true, "try again");
        check(Code::NotFound, false, "check the project and the database");
        check(Code::PermissionDenied, false, "roles/datastore.user");
        check(Code::Unauthenticated, false, "gcloud auth application-default login");
        check(Code::FailedPrecondition, false, "FailedPrecondition");
        check(Code::InvalidArgument, false, "InvalidArgument");
    }

    #[test]
    fn a_token_that_may_come_later_is_retryable_and_one_that_was_refused_is_not() {
        let status = |transient: bool| {
            let inner: SdkError = CredentialsError::from_msg(transient, "invalid_grant").into();
            Status::from_error(Box::new(Box::new(inner)))
        };
        assert!(store_error("p", &status(true)).is_retryable());
        let error = store_error("p", &status(false));
        assert!(!error.is_retryable() && error.to_string().contains("application-default login"), "{error}");
    }
}
