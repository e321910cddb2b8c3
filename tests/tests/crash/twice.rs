//! Every function runs in two instances at once, every event comes twice and out of order, and again on every later day.

use crate::ending;
use crate::stage::Stage;
use crate::walk::{Carrier, Walk};

#[test]
fn run_twice_at_once_and_told_out_of_order_it_ends_as_if_undisturbed() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (calm, disturbed) = (Stage::new(), Stage::new());
    let expected = runtime.block_on(async {
        Walk::open(&calm.place, &[], None).unwrap().go().await.unwrap();
        ending::of(&calm).await
    });
    ending::is_rich(&expected);
    let found = runtime.block_on(async {
        let mut walk = Walk::open(&disturbed.place, &["one instance", "the other"], None).unwrap();
        walk.carrier = Carrier::Rude;
        walk.go().await.unwrap();
        ending::of(&disturbed).await
    });
    ending::same(&found, &expected);
}
