//! A token of Google's that says who calls: an OpenID Connect token, signed with RS256.
//!
//! Decoding and the comparison of algorithms are `jsonwebtoken`'s, the signature is checked by `ring`, the claims are
//! compared here, by the clock that all else goes by. Any other algorithm is refused, whatever the token says of itself.

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result as JwtResult};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind, EncodingKey, Validation};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use sentinel_domain::timeframe::UnixMillis;
use serde::Deserialize;
use signature::Verifier;
use thiserror::Error;

/// Who signs.
const ISSUER: &str = "https://accounts.google.com";
/// How far clocks may be apart.
const LEEWAY_SECONDS: i64 = 30;
/// Longer than any token of Google's.
const BYTES_MAX: usize = 8 << 10;

/// Who calls, as Google says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The account.
    pub email: String,
}

/// Why a token is not believed. Holds nothing of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TokenFault {
    /// No header `Authorization: Bearer …`.
    #[error("there is no bearer token")]
    Missing,
    /// Longer than tokens are.
    #[error("the token is too long")]
    TooLong,
    /// Not three parts of base64, or not what they should hold.
    #[error("the token cannot be read")]
    Unreadable,
    /// Not RS256.
    #[error("the token is not signed with RS256")]
    Algorithm,
    /// No key is named.
    #[error("the token names no key")]
    NoKey,
    /// The key is none of Google's.
    #[error("the token names a key that is not published")]
    UnknownKey,
    /// The signature is not the key's.
    #[error("the token's signature is wrong")]
    Signature,
    /// Somebody else's.
    #[error("the token was not issued by Google")]
    Issuer,
    /// Made out to somebody else.
    #[error("the token is made out to another audience")]
    Audience,
    /// Too old.
    #[error("the token has expired")]
    Expired,
    /// From the future.
    #[error("the token was issued later than now")]
    NotYet,
    /// Google does not vouch for the address.
    #[error("the token holds no verified e-mail address")]
    Email,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    exp: i64,
    iat: i64,
    email: Option<String>,
    #[serde(default)]
    email_verified: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// Returns the name of the key that `token` says it is signed with.
pub(crate) fn key_name(token: &str) -> Result<String, TokenFault> {
    if token.len() > BYTES_MAX {
        return Err(TokenFault::TooLong);
    }
    let header = jsonwebtoken::decode_header(token).map_err(|error| match error.kind() {
        // `none`, above all, is no algorithm at all.
        ErrorKind::Json(_) | ErrorKind::InvalidAlgorithmName => TokenFault::Algorithm,
        _ => TokenFault::Unreadable,
    })?;
    if header.alg != Algorithm::RS256 {
        return Err(TokenFault::Algorithm);
    }
    header.kid.ok_or(TokenFault::NoKey)
}

/// Returns who `token` says calls, when it is signed with `key` and made out to one of `audiences`.
pub(crate) fn verify(
    token: &str,
    key: &DecodingKey,
    audiences: &[String],
    now: UnixMillis,
) -> Result<Identity, TokenFault> {
    // Fails only where it is installed already.
    let _ = RS256_BY_RING.install_default();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.required_spec_claims.clear();
    (validation.validate_exp, validation.validate_aud) = (false, false);
    let claims = jsonwebtoken::decode::<Claims>(token, key, &validation).map_err(|error| match error.kind() {
        ErrorKind::InvalidSignature => TokenFault::Signature,
        ErrorKind::InvalidAlgorithm => TokenFault::Algorithm,
        _ => TokenFault::Unreadable,
    })?;
    claims.claims.identity(audiences, now.div_euclid(1_000))
}

impl Claims {
    fn identity(self, audiences: &[String], now_seconds: i64) -> Result<Identity, TokenFault> {
        let made_out_to = match &self.aud {
            Audience::One(one) => std::slice::from_ref(one),
            Audience::Many(many) => many,
        };
        let is_ours = |audience: &String| audiences.iter().any(|allowed| matches(allowed, audience));
        if self.iss != ISSUER {
            return Err(TokenFault::Issuer);
        }
        if !made_out_to.iter().any(is_ours) {
            return Err(TokenFault::Audience);
        }
        if self.exp.saturating_add(LEEWAY_SECONDS) <= now_seconds {
            return Err(TokenFault::Expired);
        }
        if self.iat.saturating_sub(LEEWAY_SECONDS) > now_seconds {
            return Err(TokenFault::NotYet);
        }
        let email = self.email.filter(|email| self.email_verified && !email.is_empty());
        email.map(|email| Identity { email }).ok_or(TokenFault::Email)
    }
}

/// Returns whether an audience is the allowed one, in which one `*` stands for letters, digits, dots and hyphens.
fn matches(allowed: &str, audience: &str) -> bool {
    let Some((before, after)) = allowed.split_once('*') else { return allowed == audience };
    let between = audience.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
    between.is_some_and(|text| text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-')))
}

/// Nothing but RS256, and nothing but verifying.
static RS256_BY_RING: CryptoProvider = CryptoProvider {
    signer_factory: |_, _: &EncodingKey| -> JwtResult<Box<dyn JwtSigner>> { Err(ErrorKind::InvalidAlgorithm.into()) },
    verifier_factory: |algorithm, key| match (algorithm, key.kind()) {
        (Algorithm::RS256, DecodingKeyKind::RsaModulusExponent { n, e }) => {
            Ok(Box::new(Rs256 { n: n.clone(), e: e.clone() }))
        }
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    },
    key_utils: KeyUtils::new_unimplemented(),
};

struct Rs256 {
    n: Vec<u8>,
    e: Vec<u8>,
}

impl Verifier<Vec<u8>> for Rs256 {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        let key = RsaPublicKeyComponents { n: &self.n, e: &self.e };
        key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for Rs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::RS256
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn star_stands_for_one_name_and_not_for_a_path() {
        let allowed = "https://prod-register-strategy-*.run.app";
        assert!(matches(allowed, "https://prod-register-strategy-abc123-ew.a.run.app"));
        assert!(matches(allowed, "https://prod-register-strategy-123.europe-west1.run.app"));
        for wrong in [
            "https://prod-register-strategy-x.evil.example/.run.app",
            "https://prod-register-strategy-x@evil.run.app",
            "http://prod-register-strategy-x.run.app",
            "https://other.run.app",
            "https://prod-register-strategy-*.run.app",
        ] {
            assert!(!matches(allowed, wrong), "{wrong}");
        }
        assert!(matches("https://prod-x.sentinel", "https://prod-x.sentinel"));
        assert!(!matches("https://prod-x.sentinel", "https://prod-x.sentinel/"));
    }
}
