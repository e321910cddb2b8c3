//! The contracts of [`ComponentStore`] and [`Uploads`]. Where `fresh` returns an `Option`, `None` skips the fact.
//!
//! ```text
//! mod contract {
//!     async fn fresh() -> (TempDir, MyPlace) { … }      // empty; the first is kept alive
//!     sentinel_contracts::component_store_contract!(fresh);
//! }
//! ```

use std::future::Future;

use sentinel_domain::components::{CodeName, ComponentStore, ComponentStoreError, UploadError, Uploads};
use sentinel_domain::hash::ContentHash;

/// A store of components, and a way to its bytes that leads around it.
pub trait ComponentPlace: Sync {
    /// Returns the store.
    fn store(&self) -> &dyn ComponentStore;

    /// Puts `bytes` where the component of that hash belongs.
    fn overwrite(&self, hash: ContentHash, bytes: &[u8]) -> impl Future<Output = ()> + Send;

    /// Puts a file that is no component beside the components.
    fn clutter(&self, name: &str) -> impl Future<Output = ()> + Send;
}

/// A place for uploads, and a way to put some there.
pub trait UploadPlace: Sync {
    /// Returns the port.
    fn uploads(&self) -> &dyn Uploads;

    /// Puts a file there, in place of what is there.
    fn upload(&self, name: &str, bytes: &[u8]) -> impl Future<Output = ()> + Send;
}

/// Makes one test of each fact of the contract of components; `$fresh` is an async function that returns (what keeps it
/// alive, a `ComponentPlace`).
#[macro_export]
macro_rules! component_store_contract {
    ($fresh:path) => {
        $crate::facts_about_components! { $fresh:
            what_is_put_is_had_under_its_hash
            what_is_not_there_is_none
            putting_again_changes_nothing
            bytes_come_back_whatever_they_are
            all_are_listed_in_rising_order
            other_files_are_no_components
            damage_is_named
            damage_is_healed_by_putting_again
            many_who_put_the_same_agree
            compiled_code_comes_back_as_kept_or_not_at_all
        }
    };
}

/// Makes one test of each fact of the contract of uploads; `$fresh` is an async function that returns (what keeps it
/// alive, an `UploadPlace`).
#[macro_export]
macro_rules! uploads_contract {
    ($fresh:path) => {
        $crate::facts_about_components! { $fresh:
            an_upload_is_read_whole
            what_was_not_uploaded_is_none
            the_last_upload_is_read
            an_upload_that_is_too_large_is_refused
            a_name_that_leads_elsewhere_is_refused
            a_reader_never_sees_a_mixture
        }
    };
}

/// Makes one test of each fact named.
#[doc(hidden)]
#[macro_export]
macro_rules! facts_about_components {
    ($fresh:path: $($fact:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $fact() {
                let Some((alive, place)) = $crate::counterpart::Fresh::opened($fresh().await) else { return };
                $crate::components::$fact(&place).await;
                drop(alive);
            }
        )+
    };
}

/// Under the hash of its bytes, and nothing else.
pub async fn what_is_put_is_had_under_its_hash(place: &impl ComponentPlace) {
    let store = place.store();
    let hashes = [store.put(b"a").await.unwrap(), store.put(b"b").await.unwrap()];
    assert_eq!(hashes, [ContentHash::of(b"a"), ContentHash::of(b"b")]);
    assert_eq!(store.get(&hashes[1]).await.unwrap().as_deref(), Some(b"b".as_slice()));
    assert_eq!(store.get(&hashes[0]).await.unwrap().as_deref(), Some(b"a".as_slice()));
}

/// Also where nothing was ever put.
pub async fn what_is_not_there_is_none(place: &impl ComponentPlace) {
    let store = place.store();
    assert_eq!(store.list().await.unwrap(), []);
    assert_eq!(store.get(&ContentHash::of(b"c")).await.unwrap(), None);
    store.put(b"a").await.unwrap();
    assert_eq!(store.get(&ContentHash::of(b"c")).await.unwrap(), None);
}

/// The same hash, and one of it.
pub async fn putting_again_changes_nothing(place: &impl ComponentPlace) {
    let store = place.store();
    let first = store.put(b"a").await.unwrap();
    assert_eq!(store.put(b"a").await.unwrap(), first);
    assert_eq!(store.list().await.unwrap(), [first]);
}

/// None at all, every value, and as many as an interpreted component has.
pub async fn bytes_come_back_whatever_they_are(place: &impl ComponentPlace) {
    let store = place.store();
    let large: Vec<u8> = (0..20 << 20).map(|n: u32| n.to_le_bytes()[0] ^ n.to_le_bytes()[2]).collect();
    for bytes in [Vec::new(), (0..=255).collect(), large] {
        let hash = store.put(&bytes).await.unwrap();
        assert!(store.get(&hash).await.unwrap() == Some(bytes), "{hash} is another");
    }
}

/// More than one page of them.
pub async fn all_are_listed_in_rising_order(place: &impl ComponentPlace) {
    let store = place.store();
    let mut hashes = Vec::new();
    for number in 0..230_u32 {
        hashes.push(store.put(&number.to_le_bytes()).await.unwrap());
    }
    hashes.sort_unstable();
    assert_eq!(store.list().await.unwrap(), hashes);
}

/// People look into buckets and folders, and leave things there.
pub async fn other_files_are_no_components(place: &impl ComponentPlace) {
    let hash = place.store().put(b"a").await.unwrap();
    for name in ["notes.txt", "x.wasm", &format!("{hash}.toml"), ".new-1234"] {
        place.clutter(name).await;
    }
    assert_eq!(place.store().list().await.unwrap(), [hash]);
}

/// With what is there, and that trying again is no help.
pub async fn damage_is_named(place: &impl ComponentPlace) {
    let hash = place.store().put(b"abcdef").await.unwrap();
    for damaged in [b"abcdeg".as_slice(), b"abc", b""] {
        place.overwrite(hash, damaged).await;
        let error = place.store().get(&hash).await.unwrap_err();
        let found = ContentHash::of(damaged);
        assert!(
            matches!(error, ComponentStoreError::Damaged { expected, found: told } if expected == hash && told == found),
            "{error}"
        );
        assert!(!error.is_retryable());
    }
}

/// As its error says.
pub async fn damage_is_healed_by_putting_again(place: &impl ComponentPlace) {
    let hash = place.store().put(b"a").await.unwrap();
    place.overwrite(hash, b"b").await;
    assert_eq!(place.store().put(b"a").await.unwrap(), hash);
    assert_eq!(place.store().get(&hash).await.unwrap().as_deref(), Some(b"a".as_slice()));
}

/// Uploads of one file to many strategies at once.
pub async fn many_who_put_the_same_agree(place: &impl ComponentPlace) {
    let (component, store) = (vec![7_u8; 100_000], place.store());
    let put = || store.put(&component);
    let all = tokio::join!(put(), put(), put(), put(), put(), put(), put(), put());
    let hash = ContentHash::of(&component);
    for one in [all.0, all.1, all.2, all.3, all.4, all.5, all.6, all.7] {
        assert_eq!(one.unwrap(), hash);
    }
    assert_eq!(store.list().await.unwrap(), [hash]);
    assert!(store.get(&hash).await.unwrap() == Some(component));
}

/// Under its name alone, the newest of it; a store that keeps none says so by `None`. It is no component.
pub async fn compiled_code_comes_back_as_kept_or_not_at_all(place: &impl ComponentPlace) {
    let store = place.store();
    let component = store.put(b"a").await.unwrap();
    let name = CodeName { component, engine: ContentHash::of(b"engine") };
    assert_eq!(store.get_code(&name).await.unwrap(), None);
    store.put_code(&name, b"older").await.unwrap();
    store.put_code(&name, b"machine code").await.unwrap();
    let kept = store.get_code(&name).await.unwrap();
    assert!(kept.is_none() || kept.as_deref() == Some(b"machine code"), "{kept:?}");
    let others = [
        CodeName { engine: ContentHash::of(b"other"), ..name },
        CodeName { component: ContentHash::of(b"other"), ..name },
    ];
    for other in others {
        assert_eq!(store.get_code(&other).await.unwrap(), None);
    }
    assert_eq!(store.list().await.unwrap(), [component]);
}

const MANY: u64 = 1 << 20;

/// Whatever letters its name has.
pub async fn an_upload_is_read_whole(place: &impl UploadPlace) {
    for (name, bytes) in [("a.toml", b"x = 1".as_slice()), ("größe 1 + (2)%23#.wasm", b"\0\xff"), ("empty.toml", b"")]
    {
        place.upload(name, bytes).await;
        assert_eq!(place.uploads().read(name, MANY).await.unwrap().as_deref(), Some(bytes), "{name}");
    }
}

/// Nor is a file whose name begins so.
pub async fn what_was_not_uploaded_is_none(place: &impl UploadPlace) {
    assert_eq!(place.uploads().read("a.toml", MANY).await.unwrap(), None);
    place.upload("a.toml.old", b"x").await;
    assert_eq!(place.uploads().read("a.toml", MANY).await.unwrap(), None);
}

/// In place of the one before.
pub async fn the_last_upload_is_read(place: &impl UploadPlace) {
    place.upload("a.toml", b"the one before").await;
    place.upload("a.toml", b"the last").await;
    assert_eq!(place.uploads().read("a.toml", MANY).await.unwrap().as_deref(), Some(b"the last".as_slice()));
}

/// With both numbers; one that just fits is read.
pub async fn an_upload_that_is_too_large_is_refused(place: &impl UploadPlace) {
    place.upload("a.wasm", &[7; 1_001]).await;
    let error = place.uploads().read("a.wasm", 1_000).await.unwrap_err();
    assert!(matches!(error, UploadError::TooLarge { bytes: Some(1_001), bytes_max: 1_000, .. }), "{error}");
    assert!(!error.is_retryable());
    assert_eq!(place.uploads().read("a.wasm", 1_001).await.unwrap().map(|bytes| bytes.len()), Some(1_001));
}

/// An event names the file, and events come from outside.
pub async fn a_name_that_leads_elsewhere_is_refused(place: &impl UploadPlace) {
    place.upload("a.toml", b"x").await;
    for name in ["../a.toml", "/etc/hostname", "..", ".", "", "x/../a.toml", "a.toml/"] {
        let error = place.uploads().read(name, MANY).await.unwrap_err();
        assert!(matches!(error, UploadError::NoName { .. }) && !error.is_retryable(), "{name:?}: {error}");
    }
}

/// A file of one content or of the other, while somebody writes over it.
pub async fn a_reader_never_sees_a_mixture(place: &impl UploadPlace) {
    let contents = [vec![b'a'; 300_000], vec![b'b'; 200_000]];
    place.upload("a.wasm", &contents[0]).await;
    let writing = async {
        for number in 0..40 {
            place.upload("a.wasm", &contents[number % 2]).await;
        }
    };
    let reading = async {
        for _ in 0..40 {
            match place.uploads().read("a.wasm", MANY).await {
                Ok(read) => assert!(contents.iter().any(|content| read.as_ref() == Some(content)), "a mixture"),
                // Named, and to be tried again.
                Err(error) => assert!(error.is_retryable(), "{error}"),
            }
        }
    };
    tokio::join!(writing, reading);
}
