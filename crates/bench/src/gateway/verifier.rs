//! Who may ask: a JSON Web Token whose signature is checked for each request (RFC 7519).

use http::header;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use tradewind_gateway::{AuthRule, Authorizer, Denied, Head, Identity, Verdict};

use crate::BenchError;

/// The scope that the guarded route asks for.
pub(super) const SCOPE: &str = "catalog:read";
const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "https://shop.example";
/// Nothing is protected by it.
const SECRET: &[u8] = b"a key of the benchmark, that signs nothing else";
/// 2100-01-01T00:00:00Z, in seconds.
const EXPIRES: u64 = 4_102_444_800;

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    exp: u64,
    client_id: String,
    scope: String,
}

/// A token that is good.
///
/// # Errors
/// [`BenchError::Engine`] if it cannot be signed.
pub(super) fn token() -> Result<String, BenchError> {
    let claims = Claims {
        iss: ISSUER.to_owned(),
        aud: AUDIENCE.to_owned(),
        exp: EXPIRES,
        client_id: "benchmark".to_owned(),
        scope: format!("{SCOPE} orders:read"),
    };
    let signed = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(SECRET));
    signed.map_err(|error| BenchError::Engine(error.to_string()))
}

/// Verifies each request's token by HMAC with SHA-256, and remembers none.
pub(super) struct Verifier {
    key: DecodingKey,
    validation: Validation,
}

impl Verifier {
    pub(super) fn new() -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        Self { key: DecodingKey::from_secret(SECRET), validation }
    }

    fn verify(&self, request: Head<'_>, rule: &AuthRule) -> Result<Identity, Denied> {
        let value = request.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = value.and_then(|value| value.strip_prefix("Bearer ")).ok_or(Denied::NoToken)?;
        let decoded = jsonwebtoken::decode::<Claims>(token, &self.key, &self.validation);
        let claims = decoded.map_err(|error| Denied::InvalidToken(error.to_string()))?.claims;
        let has = |scope: &String| claims.scope.split(' ').any(|its| its == scope);
        match rule.scopes.iter().all(has) {
            true => Ok(Identity { client: claims.client_id }),
            false => Err(Denied::MissingScope),
        }
    }
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier").finish_non_exhaustive()
    }
}

impl Authorizer for Verifier {
    fn authorize<'a>(&'a self, request: Head<'a>, rule: &'a AuthRule) -> Verdict<'a> {
        Box::pin(std::future::ready(self.verify(request, rule)))
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, Method, Uri};

    use super::*;

    fn asked(token: &str, scope: &str) -> Result<Identity, Denied> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::try_from(format!("Bearer {token}")).unwrap());
        let (method, uri) = (Method::GET, Uri::from_static("/guarded/1"));
        let head = Head { method: &method, uri: &uri, headers: &headers };
        Verifier::new().verify(head, &AuthRule { scopes: vec![scope.to_owned()] })
    }

    #[test]
    fn a_token_is_verified() {
        let token = token().unwrap();
        assert_eq!(asked(&token, SCOPE).unwrap().client, "benchmark");
        assert_eq!(asked(&token, "orders:write"), Err(Denied::MissingScope));
        let mut parts: Vec<&str> = token.split('.').collect();
        let other = format!("{}A", &parts[2][..parts[2].len() - 1]);
        parts[2] = if parts[2] == other { "AAAA" } else { &other };
        assert!(matches!(asked(&parts.join("."), SCOPE), Err(Denied::InvalidToken(_))));
    }
}
