//! Tokens that cannot be had: an error that says what to do, or that it may pass; never a secret in it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustls::crypto::ring;
use sentinel_contracts::counterpart::Counterpart;
use sentinel_contracts::documents::positions;
use sentinel_domain::documents::{DocumentStore, StoreError};
use sentinel_firestore::google_cloud_auth::credentials::{Credentials, user_account};
use sentinel_firestore::{FirestoreDocuments, FirestoreSettings};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::settings;

const CANARY: &str = "canary-7f3a";

/// Answers every request for a token with `status` and `body`; returns where.
async fn token_endpoint(status: &'static str, body: &'static str) -> String {
    counted_endpoint(status, body, Arc::default()).await
}

/// The same, counting how often it is asked.
async fn counted_endpoint(status: &'static str, body: &'static str, asked: Arc<AtomicUsize>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/token", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 1 << 14];
            let _read = stream.read(&mut request).await;
            asked.fetch_add(1, Ordering::SeqCst);
            let length = body.len();
            let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n");
            let _written = stream.write_all(format!("{head}connection: close\r\n\r\n{body}").as_bytes()).await;
        }
    });
    address
}

/// What a person has after signing in with gcloud.
fn credentials(token_endpoint: &str) -> Credentials {
    let _installed = ring::default_provider().install_default();
    let signed_in = json!({
        "type": "authorized_user", "client_id": "client", "client_secret": CANARY, "refresh_token": CANARY,
        "token_uri": token_endpoint,
    });
    user_account::Builder::new(signed_in).build().unwrap()
}

async fn refusal(status: &'static str, body: &'static str) -> Option<StoreError> {
    let settings = settings(&Counterpart::Firestore.address()?);
    let settings = FirestoreSettings { call_timeout: Duration::from_secs(3), ..settings };
    let store = FirestoreDocuments::connect_as(settings, credentials(&token_endpoint(status, body).await)).unwrap();
    let begin = Instant::now();
    let error = store.get(positions(), "a").await.unwrap_err();
    assert!(begin.elapsed() < Duration::from_secs(15), "{:?}", begin.elapsed());
    assert!(!format!("{error} {error:?} {store:?}").contains(CANARY), "{error:?}");
    Some(error)
}

#[tokio::test]
async fn credentials_that_are_no_longer_good_say_how_to_sign_in() {
    let Some(error) = refusal("400 Bad Request", r#"{"error":"invalid_grant"}"#).await else { return };
    assert!(matches!(error, StoreError::Failed { .. }) && !error.is_retryable(), "{error}");
    assert!(error.to_string().contains("gcloud auth application-default login"), "{error}");
}

#[tokio::test]
async fn a_token_service_that_is_busy_may_be_asked_later() {
    let Some(error) = refusal("503 Service Unavailable", "{}").await else { return };
    assert!(error.is_retryable(), "{error}");
}

/// The same credentials, and a token that comes: the calls carry it, and the emulator reads it.
#[tokio::test]
async fn a_token_that_comes_opens_the_store() {
    let Some(address) = Counterpart::Firestore.address() else { return };
    let body = r#"{"access_token":"owner","expires_in":3600,"token_type":"Bearer"}"#;
    let credentials = credentials(&token_endpoint("200 OK", body).await);
    let store = FirestoreDocuments::connect_as(settings(&address), credentials).unwrap();
    assert_eq!(store.get(positions(), "a").await.unwrap(), None);
    let body = r#"{"access_token":"nobody","expires_in":3600,"token_type":"Bearer"}"#;
    let credentials = self::credentials(&token_endpoint("200 OK", body).await);
    let store = FirestoreDocuments::connect_as(settings(&address), credentials).unwrap();
    let error = store.get(positions(), "a").await.unwrap_err();
    assert!(error.to_string().contains("invalid jwt"), "{error}");
}

/// A token that ends while the store is open is renewed, and no call fails for it.
#[tokio::test]
async fn a_token_that_expires_is_renewed_while_the_store_is_used() {
    let Some(address) = Counterpart::Firestore.address() else { return };
    let asked = Arc::<AtomicUsize>::default();
    let body = r#"{"access_token":"owner","expires_in":2,"token_type":"Bearer"}"#;
    let endpoint = counted_endpoint("200 OK", body, Arc::clone(&asked)).await;
    let store = FirestoreDocuments::connect_as(settings(&address), credentials(&endpoint)).unwrap();
    let mut first = 0;
    for call in 0..12 {
        assert_eq!(store.get(positions(), "a").await.unwrap(), None, "call {call}");
        if call == 0 {
            first = asked.load(Ordering::SeqCst);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let renewed = asked.load(Ordering::SeqCst) - first;
    assert!(first >= 1 && renewed >= 2, "a token of two seconds was renewed {renewed} times in six");
}
