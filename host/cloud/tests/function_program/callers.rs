//! Who may call: every refusal, and what it tells.

use std::sync::Arc;

use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sentinel_cloud::{Keys, KeysError};
use sentinel_domain::clock::ManualClock;
use serde_json::{Value, json};

use crate::tokens::{KeyServer, SigningKey};
use crate::world::{CALLER, NOW, Served, client};

const AUDIENCE: &str = "https://test-function.sentinel";
const SECONDS: i64 = NOW / 1_000;

/// Returns claims as Google makes them, with changes.
fn claims(changes: &Value) -> Value {
    let mut claims = json!({
        "iss": "https://accounts.google.com", "aud": AUDIENCE, "azp": "1", "sub": "1", "email": CALLER,
        "email_verified": true, "iat": SECONDS - 10, "exp": SECONDS + 3_590,
    });
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => claims.as_object_mut().unwrap().remove(name),
            value => claims.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    claims
}

async fn served(function: &str) -> (Served, SigningKey) {
    let (served, key) = (Served::start(function).await, SigningKey::make("one"));
    served.keys.publish(&[&key]);
    (served, key)
}

#[tokio::test]
async fn a_good_token_runs_the_function_and_health_asks_for_none() {
    let (served, key) = served("expire-signals").await;
    let (status, answer) = served.post(Some(&key.sign(&claims(&json!({})))), "").await;
    assert_eq!(status, 200, "{answer}");
    assert!(answer.contains("\"status\":\"SUCCEEDED\""), "{answer}");
    let by_eventarc = claims(&json!({ "aud": "https://test-function-abc123-ew.a.run.app" }));
    assert_eq!(served.post(Some(&key.sign(&by_eventarc)), "{}").await.0, 200);
    assert_eq!(served.keys.asked(), 1, "keys are kept");
    let health = client().get(format!("http://{}/health", served.address)).send().await.unwrap();
    assert_eq!(health.status(), 200);
}

#[tokio::test]
async fn what_is_not_believed_is_401_and_tells_nothing() {
    let (served, key) = served("expire-signals").await;
    let stranger = SigningKey::make("one");
    let unknown = SigningKey::make("two");
    let good = key.sign(&claims(&json!({})));
    let (head, _) = good.rsplit_once('.').unwrap();
    let header = |header: Value| key.sign_with(&header, &claims(&json!({})));
    let hmac = json!({ "alg": "HS256", "typ": "JWT", "kid": "one" });
    let claimed = |changes: Value| key.sign(&claims(&changes));
    let unsigned = format!(
        "{}.{}.",
        URL_SAFE_NO_PAD.encode(json!({ "alg": "none", "kid": "one" }).to_string()),
        URL_SAFE_NO_PAD.encode(claims(&json!({})).to_string())
    );
    let tokens = [
        ("no token", String::new()),
        ("no JWT", "not-a-token".to_owned()),
        ("two parts", head.to_owned()),
        ("no signature", format!("{head}.")),
        ("removed signature", format!("{head}.SIGNATURE_REMOVED_BY_GOOGLE")),
        ("another's signature", stranger.sign(&claims(&json!({})))),
        ("a key that is not published", unknown.sign(&claims(&json!({})))),
        ("algorithm none", unsigned),
        ("algorithm HS256", header(hmac)),
        ("algorithm RS512", header(json!({ "alg": "RS512", "kid": "one" }))),
        ("no key named", header(json!({ "alg": "RS256" }))),
        ("too long", format!("{good}{}", "A".repeat(9_000))),
        ("another audience", claimed(json!({ "aud": "https://prod-other.sentinel" }))),
        ("audience of another path", claimed(json!({ "aud": "https://test-function.sentinel/" }))),
        ("audience with a host behind the star", claimed(json!({ "aud": "https://test-function-x@e.run.app" }))),
        ("no audience", claimed(json!({ "aud": null }))),
        ("another issuer", claimed(json!({ "iss": "https://accounts.example.com" }))),
        ("no issuer", claimed(json!({ "iss": null }))),
        ("expired", claimed(json!({ "exp": SECONDS - 60 }))),
        ("no expiry", claimed(json!({ "exp": null }))),
        ("issued later", claimed(json!({ "iat": SECONDS + 120 }))),
        ("no e-mail", claimed(json!({ "email": null }))),
        ("e-mail not verified", claimed(json!({ "email_verified": false }))),
        ("e-mail verified by word", claimed(json!({ "email_verified": "true" }))),
    ];
    for (what, token) in &tokens {
        let (status, answer) = served.post(Some(token), "").await;
        assert_eq!(
            (status, answer.as_str()),
            (401, "{\"error\":\"a token is required that says who calls\"}"),
            "{what}"
        );
    }
    assert_eq!(served.post(None, "").await.0, 401);
    assert_eq!(served.post(Some(&good), "").await.0, 200);
}

#[tokio::test]
async fn a_good_token_of_somebody_else_is_403() {
    let (served, key) = served("expire-signals").await;
    for email in ["somebody@example.com", "TEST-events@my-project.iam.gserviceaccount.com", ""] {
        let (status, answer) = served.post(Some(&key.sign(&claims(&json!({ "email": email })))), "").await;
        let expected = if email.is_empty() { 401 } else { 403 };
        assert_eq!(status, expected, "{email}");
        assert!(!answer.contains("example.com") && !answer.contains(CALLER), "{answer}");
    }
}

#[tokio::test]
async fn a_push_of_another_subscription_is_403() {
    let (served, key) = served("evaluate-strategies").await;
    let token = key.sign(&claims(&json!({})));
    let push = |subscription: Option<&str>| {
        let event = json!({ "specversion": "1.0", "id": "1", "source": "/test", "type": "sentinel.candle.closed.v1" });
        let mut envelope = json!({ "message": { "data": STANDARD.encode(event.to_string()), "messageId": "9" } });
        if let Some(subscription) = subscription {
            envelope["subscription"] = json!(subscription);
        }
        envelope.to_string()
    };
    let ours = "projects/my-project/subscriptions/test-evaluate-strategies-candles";
    // It came through: its data is what is wrong with it.
    assert_eq!(served.post(Some(&token), &push(Some(ours))).await.0, 422);
    for other in [
        None,
        Some("projects/another/subscriptions/test-evaluate-strategies-candles"),
        Some("projects/my-project/subscriptions/prod-evaluate-strategies-candles"),
        Some("projects/my-project/subscriptions/test-execute-signals-closes"),
        Some("projects/my-project/subscriptions/test-evaluate-strategies-"),
        Some("x/projects/my-project/subscriptions/test-evaluate-strategies-candles"),
    ] {
        let (status, answer) = served.post(Some(&token), &push(other)).await;
        assert_eq!((status, answer.as_str()), (403, "{\"error\":\"this caller may not do this\"}"), "{other:?}");
    }
    assert_eq!(served.post(None, &push(Some(ours))).await.0, 401);
}

#[tokio::test]
async fn a_body_is_not_read_for_who_may_not_call_and_a_long_one_for_nobody() {
    let (served, key) = served("expire-signals").await;
    let long = "x".repeat(3 << 20);
    assert_eq!(served.post(Some(&key.sign(&claims(&json!({})))), &long).await.0, 413);
    let endless = b"POST / HTTP/1.1\r\nHost: local\r\nContent-Length: 999999999\r\n\r\n";
    let answer = raw(&served, endless).await;
    assert!(answer.starts_with("HTTP/1.1 401"), "answered before the body came: {answer}");
}

/// Sends a head without its body, and returns the first part of the answer.
async fn raw(served: &Served, head: &[u8]) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(served.address).await.unwrap();
    stream.write_all(head).await.unwrap();
    let mut answer = vec![0; 400];
    let read = tokio::time::timeout(std::time::Duration::from_secs(5), stream.read(&mut answer)).await;
    String::from_utf8_lossy(&answer[..read.unwrap().unwrap()]).into_owned()
}

#[tokio::test]
async fn keys_are_fetched_when_one_is_unknown_and_never_more_often_than_a_bound() {
    let (served, first) = served("expire-signals").await;
    let second = SigningKey::make("two");
    let (old, new) = (first.sign(&claims(&json!({}))), second.sign(&claims(&json!({}))));
    assert_eq!(served.post(Some(&old), "").await.0, 200);
    served.keys.publish(&[&second]);
    for _ in 0..5 {
        assert_eq!(served.post(Some(&new), "").await.0, 401, "asked a moment ago");
    }
    assert_eq!(served.keys.asked(), 1);
    served.clock.set(NOW + 11_000);
    assert_eq!(served.post(Some(&new), "").await.0, 200);
    assert_eq!((served.post(Some(&old), "").await.0, served.keys.asked()), (401, 2));
}

#[tokio::test]
async fn where_keys_cannot_be_had_callers_try_again_and_known_ones_go_on() {
    let (served, key) = served("expire-signals").await;
    let token = |now: i64| key.sign(&claims(&json!({ "iat": now / 1_000, "exp": now / 1_000 + 3_600 })));
    served.keys.answer(StatusCode::INTERNAL_SERVER_ERROR, String::new());
    let (status, answer) = served.post(Some(&token(NOW)), "").await;
    assert_eq!((status, answer.contains("127.0.0.1")), (503, false), "{answer}");
    served.keys.publish(&[&key]);
    served.clock.set(NOW + 11_000);
    assert_eq!(served.post(Some(&token(NOW)), "").await.0, 200);
    // Old, and cannot be renewed: believed for a day.
    served.keys.answer(StatusCode::OK, "{".to_owned());
    let later = NOW + 7 * 60 * 60 * 1_000;
    served.clock.set(later);
    assert_eq!(served.post(Some(&token(later)), "").await.0, 200);
    let next_day = NOW + 25 * 60 * 60 * 1_000;
    served.clock.set(next_day);
    assert_eq!(served.post(Some(&token(next_day)), "").await.0, 503);
}

#[tokio::test]
async fn a_list_of_keys_that_is_too_long_is_not_held_in_memory() {
    let server = KeyServer::start().await;
    server.answer(StatusCode::OK, format!("{{\"keys\":[],\"x\":\"{}\"}}", "x".repeat(1 << 20)));
    let keys = Keys::at(&server.url, Arc::new(ManualClock::at(NOW))).unwrap();
    let error = keys.key("one").await.unwrap_err();
    assert!(matches!(&error, KeysError::Unavailable { reason, .. } if reason.contains("longer than")), "{error}");
}
