//! Buckets, on a counterpart of Cloud Storage: the contracts of both ports, and what goes wrong on the way.

#![expect(clippy::unwrap_used, reason = "a test may fail")]
#![expect(clippy::disallowed_methods, reason = "what is measured is the machine's time")]

mod faults;
mod place;

mod components {
    use crate::place::fresh;

    sentinel_contracts::component_store_contract!(fresh);
}

mod uploads {
    use crate::place::fresh;

    sentinel_contracts::uploads_contract!(fresh);
}

use std::time::{Duration, Instant};

use sentinel_contracts::components::{ComponentPlace, UploadPlace};
use sentinel_domain::components::{CodeName, ComponentStore, ComponentStoreError, UploadError, Uploads};
use sentinel_domain::hash::ContentHash;
use sentinel_gcs::{GcsComponents, GcsUploads};

use self::faults::{Answer, Faulty};
use self::place::fresh;

const MANY: u64 = 1 << 20;

/// As long as it is tried again, and some more for a machine that is busy.
const BOUND: Duration = Duration::from_secs(25);

#[tokio::test]
async fn compiled_code_is_kept_beside_the_components() {
    let Some((_, bucket)) = fresh().await else { return };
    let store = bucket.store();
    let name = CodeName { component: ContentHash::of(b"a"), engine: ContentHash::of(b"engine") };
    let code: Vec<u8> = (0..3 << 20).map(|n: u32| n.to_le_bytes()[0]).collect();
    store.put_code(&name, &code).await.unwrap();
    assert!(store.get_code(&name).await.unwrap() == Some(code));
    assert_eq!(store.list().await.unwrap(), []);
}

#[tokio::test]
async fn bucket_that_is_not_there_is_named_and_trying_again_is_no_help() {
    let Some((_, bucket)) = fresh().await else { return };
    let (name, endpoint) = (format!("{}-absent", bucket.name), bucket.endpoint());
    let components = GcsComponents::connect(&name, Some(endpoint.clone())).unwrap();
    let hash = ContentHash::of(b"a");
    let errors = [
        components.get(&hash).await.unwrap_err(),
        components.put(b"a").await.unwrap_err(),
        components.list().await.unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, ComponentStoreError::Refused { .. }) && !error.is_retryable(), "{error:?}");
        assert!(error.to_string().contains(&format!("there is no bucket {name}")), "{error}");
    }
    let error = GcsUploads::connect(&name, Some(endpoint)).unwrap().read("a.toml", MANY).await.unwrap_err();
    assert!(matches!(error, UploadError::Refused { .. }) && error.to_string().contains(&name), "{error}");
}

#[tokio::test]
async fn what_is_there_is_not_written_again() {
    let Some((_, bucket)) = fresh().await else { return };
    let first = bucket.store().put(b"a").await.unwrap();
    let faulty = Faulty::answering(vec![Answer::Status(412), Answer::Whole("\"1\"", b"a".to_vec())]).await;
    assert_eq!(faulty.components().put(b"a").await.unwrap(), first);
    let methods: Vec<_> = faulty.asked().into_iter().map(|(method, _)| method).collect();
    assert_eq!(methods, ["PUT", "GET"]);
}

#[tokio::test]
async fn no_access_is_named_and_not_tried_again() {
    let faulty = Faulty::answering(vec![Answer::Status(403)]).await;
    let components = faulty.components();
    let hash = ContentHash::of(b"a");
    let errors = [
        components.get(&hash).await.unwrap_err(),
        components.put(b"a").await.unwrap_err(),
        components.list().await.unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, ComponentStoreError::Refused { .. }) && !error.is_retryable(), "{error:?}");
        assert!(error.to_string().contains("no access to"), "{error}");
    }
    let error = faulty.uploads().read("a.toml", MANY).await.unwrap_err();
    assert!(matches!(error, UploadError::Refused { .. }) && error.to_string().contains("a.toml"), "{error}");
    assert_eq!(faulty.asked().len(), 4);
}

#[tokio::test]
async fn token_that_ended_is_an_error_that_passes() {
    let faulty = Faulty::answering(vec![Answer::Status(401), Answer::Whole("\"1\"", b"a".to_vec())]).await;
    let (components, hash) = (faulty.components(), ContentHash::of(b"a"));
    let error = components.get(&hash).await.unwrap_err();
    assert!(error.is_retryable() && error.to_string().contains("401"), "{error}");
    assert_eq!(components.get(&hash).await.unwrap().as_deref(), Some(b"a".as_slice()));
}

#[tokio::test]
async fn overload_is_waited_out() {
    for status in [429, 500, 503] {
        let whole = Answer::Whole("\"1\"", b"a".to_vec());
        let faulty = Faulty::answering(vec![Answer::Status(status), Answer::Status(status), whole]).await;
        assert_eq!(faulty.uploads().read("a.toml", MANY).await.unwrap().as_deref(), Some(b"a".as_slice()));
        assert_eq!(faulty.asked().len(), 3);
    }
}

#[tokio::test]
async fn overload_that_lasts_is_an_error_that_passes_in_bounded_time() {
    for status in [429, 503] {
        let faulty = Faulty::answering(vec![Answer::Status(status)]).await;
        let started = Instant::now();
        let error = faulty.components().put(b"a").await.unwrap_err();
        assert!(matches!(error, ComponentStoreError::Unavailable { .. }) && error.is_retryable(), "{error:?}");
        assert!(error.to_string().contains(&status.to_string()), "{error}");
        assert_eq!(faulty.asked().len(), 5, "one request, and four more");
        assert!(started.elapsed() < BOUND);
    }
}

#[tokio::test]
async fn nobody_who_listens_is_an_error_that_passes_in_bounded_time() {
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let started = Instant::now();
    let components = GcsComponents::connect("bucket", Some(format!("http://{address}"))).unwrap();
    assert!(started.elapsed() < Duration::from_millis(200), "made in {:?}", started.elapsed());
    let error = components.get(&ContentHash::of(b"a")).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert!(started.elapsed() < BOUND);
}

/// By what is announced: a terabyte would take longer than any test.
#[tokio::test]
async fn large_object_is_refused_before_it_is_read() {
    let faulty = Faulty::answering(vec![Answer::Endless(1 << 40)]).await;
    let started = Instant::now();
    let error = faulty.uploads().read("a.wasm", 8 << 20).await.unwrap_err();
    assert!(matches!(error, UploadError::TooLarge { bytes, .. } if bytes == Some(1 << 40)), "{error}");
    let error = faulty.components().get(&ContentHash::of(b"a")).await.unwrap_err();
    assert!(matches!(error, ComponentStoreError::Refused { .. }), "{error}");
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}

#[tokio::test]
async fn broken_connection_goes_on_with_the_rest_of_the_same_object() {
    let content: Vec<u8> = (0..=255).collect();
    let broken = Answer::Broken("\"1\"", content.clone(), 100);
    let faulty = Faulty::answering(vec![broken, Answer::Whole("\"1\"", content.clone())]).await;
    assert!(faulty.uploads().read("a.wasm", MANY).await.unwrap() == Some(content));
    assert_eq!(faulty.asked().remove(1).1.as_deref(), Some("bytes=100-255"));
}

#[tokio::test]
async fn object_that_is_replaced_while_it_is_read_is_read_anew() {
    let (older, newer) = (vec![b'a'; 300], vec![b'b'; 200]);
    let answers = vec![Answer::Broken("\"1\"", older, 100), Answer::Whole("\"2\"", newer.clone())];
    let faulty = Faulty::answering(answers).await;
    assert!(faulty.uploads().read("a.wasm", MANY).await.unwrap() == Some(newer));
    let asked: Vec<_> = faulty.asked().into_iter().map(|(method, range)| (method, range.is_some())).collect();
    let expected = [("GET", false), ("GET", true), ("HEAD", false), ("GET", false)];
    assert_eq!(asked, expected.map(|(method, range)| (method.to_owned(), range)));
}

#[tokio::test]
async fn object_that_is_replaced_each_time_is_an_error_that_passes() {
    // Another one for each request.
    let answers = (0..9).map(|tag| Answer::Broken(format!("\"{tag}\"").leak(), vec![b'a'; 300], 100)).collect();
    let faulty = Faulty::answering(answers).await;
    let error = faulty.uploads().read("a.wasm", MANY).await.unwrap_err();
    assert!(matches!(error, UploadError::Replaced { .. }) && error.is_retryable(), "{error}");
    assert_eq!(faulty.asked().len(), 9, "three reads of three requests");
}

#[tokio::test]
async fn component_of_an_interpreter_comes_and_goes_within_seconds() {
    let Some((_, bucket)) = fresh().await else { return };
    let component = vec![1_u8; 18 << 20];
    let started = Instant::now();
    let hash = bucket.store().put(&component).await.unwrap();
    let put = started.elapsed();
    bucket.store().get(&hash).await.unwrap().unwrap();
    eprintln!("18 MiB: put in {put:?}, got and hashed in {:?}", started.elapsed() - put);
    bucket.upload("a.wasm", &component).await;
    assert!(bucket.uploads().read("a.wasm", 32 << 20).await.unwrap() == Some(component));
}
