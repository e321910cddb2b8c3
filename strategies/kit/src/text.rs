//! Names and descriptions for the manifest, made from Rust names and doc comments while compiling, so that a component
//! carries the finished words and no code to make them.

/// Turns a Rust name into lower-case words with dashes, in constant context: `CrossUp` is `cross-up`, `stop_atr` is
/// `stop-atr`.
#[doc(hidden)]
#[macro_export]
macro_rules! kebab_case {
    ($name:ident) => {{
        const LENGTH: usize = $crate::macros::kebab_case_length(stringify!($name));
        const BYTES: [u8; LENGTH] = $crate::macros::kebab_case_bytes(stringify!($name));
        $crate::macros::ascii(&BYTES)
    }};
}

/// Returns how long `name` is in words with dashes.
pub const fn kebab_case_length(name: &str) -> usize {
    assert!(name.is_ascii(), "names that people type are of ASCII letters and digits");
    let name = name.as_bytes();
    let mut length = name.len();
    let mut index = 1;
    while index < name.len() {
        length += name[index].is_ascii_uppercase() as usize;
        index += 1;
    }
    length
}

/// Returns `name` in words with dashes; `LENGTH` is its [`kebab_case_length`].
pub const fn kebab_case_bytes<const LENGTH: usize>(name: &str) -> [u8; LENGTH] {
    let name = name.as_bytes();
    let mut words = [b'-'; LENGTH];
    let (mut read, mut written) = (0, 0);
    while read < name.len() {
        if read > 0 && name[read].is_ascii_uppercase() {
            written += 1;
        }
        if name[read] != b'_' {
            words[written] = name[read].to_ascii_lowercase();
        }
        read += 1;
        written += 1;
    }
    words
}

/// Returns the text of ASCII bytes.
pub const fn ascii(bytes: &'static [u8]) -> &'static str {
    match core::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => panic!("names that people type are of ASCII letters and digits"),
    }
}

/// Returns the text of a doc comment, whose lines begin with a space: the contract allows 512 bytes.
pub const fn description(doc: &'static str) -> &'static str {
    let text = match doc.as_bytes() {
        [b' ', ..] => doc.split_at(1).1,
        _ => doc,
    };
    assert!(text.len() <= 512, "a description in the manifest is at most 512 bytes");
    text
}

#[cfg(test)]
mod tests {
    use super::description;

    #[test]
    fn rust_names_become_words_with_dashes() {
        assert_eq!(kebab_case!(RsiOversold), "rsi-oversold");
        assert_eq!(kebab_case!(stop_atr), "stop-atr");
        assert_eq!(kebab_case!(fast), "fast");
        assert_eq!(kebab_case!(Ema50Above200), "ema50-above200");
    }

    #[test]
    fn doc_comments_lose_the_space_they_begin_with() {
        assert_eq!(description(" Bars of the average."), "Bars of the average.");
        assert_eq!(description("Bars of the average."), "Bars of the average.");
    }
}
