//! Tokens as Google signs them, by a key of this test, and a server that publishes such keys.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A key that is made for this test and kept nowhere.
pub(crate) struct SigningKey {
    pub(crate) name: &'static str,
    pair: RsaKeyPair,
}

impl SigningKey {
    pub(crate) fn make(name: &'static str) -> Self {
        let made = Command::new("openssl")
            .args(["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-outform", "DER"])
            .stderr(Stdio::null())
            .output()
            .expect("openssl makes the key of this test");
        // Which of the two forms it is depends on openssl's version.
        let pair = RsaKeyPair::from_pkcs8(&made.stdout).or_else(|_| RsaKeyPair::from_der(&made.stdout));
        Self { name, pair: pair.unwrap() }
    }

    /// Returns the public half, as it is published.
    pub(crate) fn published(&self) -> Value {
        let RsaPublicKeyComponents { n, e } = RsaPublicKeyComponents::<Vec<u8>>::from(self.pair.public());
        let (n, e) = (URL_SAFE_NO_PAD.encode(n), URL_SAFE_NO_PAD.encode(e));
        json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.name, "n": n, "e": e })
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        self.sign_with(&json!({ "alg": "RS256", "typ": "JWT", "kid": self.name }), claims)
    }

    pub(crate) fn sign_with(&self, header: &Value, claims: &Value) -> String {
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let signed = format!("{}.{}", encode(header), encode(claims));
        let mut signature = vec![0; self.pair.public().modulus_len()];
        self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// A server that publishes keys, and counts how often it is asked.
#[derive(Clone)]
pub(crate) struct KeyServer {
    pub(crate) url: String,
    published: Arc<Mutex<(StatusCode, String)>>,
    asked: Arc<AtomicUsize>,
}

impl KeyServer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let published = Arc::new(Mutex::new((StatusCode::OK, String::new())));
        let asked = Arc::new(AtomicUsize::new(0));
        let (answer, count) = (Arc::clone(&published), Arc::clone(&asked));
        let keys = move || {
            count.fetch_add(1, Ordering::SeqCst);
            let answer = answer.lock().unwrap().clone();
            async move { answer }
        };
        let router = Router::new().route("/keys", get(keys));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url: format!("http://{address}/keys"), published, asked }
    }

    pub(crate) fn publish(&self, keys: &[&SigningKey]) {
        let keys: Vec<_> = keys.iter().map(|key| key.published()).collect();
        self.answer(StatusCode::OK, json!({ "keys": keys }).to_string());
    }

    pub(crate) fn answer(&self, status: StatusCode, body: String) {
        *self.published.lock().unwrap() = (status, body);
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}
