//! What a sign-in library asks before it asks for a token: where the endpoints of the
//! tenant are (`OpenID` Connect Discovery 1.0; Microsoft identity platform, *`OpenID` Connect
//! metadata document*), and whether it may believe the host (*instance discovery*).
//!
//! Leaves to others: the token (`token`).

use serde_json::json;

use super::http::{Answer, Request};
use super::state::Shared;

impl Shared {
    /// `GET /{tenant}/v2.0/.well-known/openid-configuration`
    pub(super) fn openid_configuration(tenant: &str, request: &Request) -> Answer {
        let root = format!("{}/{tenant}", request.origin);
        Answer::ok(&json!({
            "issuer": format!("{root}/v2.0"),
            "authorization_endpoint": format!("{root}/oauth2/v2.0/authorize"),
            "token_endpoint": format!("{root}/oauth2/v2.0/token"),
            "jwks_uri": format!("{root}/discovery/v2.0/keys"),
            "device_authorization_endpoint": format!("{root}/oauth2/v2.0/devicecode"),
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
            "response_types_supported": ["code", "id_token"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "msgraph_host": request.host(),
        }))
    }

    /// `GET /{tenant}/discovery/v2.0/keys`. No key signs the tokens here: nobody but the
    /// emulator reads them.
    pub(super) fn signing_keys() -> Answer {
        Answer::ok(&json!({ "keys": [] }))
    }

    /// `GET /common/discovery/instance`
    pub(super) fn instance_discovery(&self, request: &Request) -> Answer {
        let tenant = &self.tenant_id;
        let host = request.host();
        Answer::ok(&json!({
            "tenant_discovery_endpoint":
                format!("{}/{tenant}/v2.0/.well-known/openid-configuration", request.origin),
            "api-version": "1.1",
            "metadata": [{
                "preferred_network": host,
                "preferred_cache": host,
                "aliases": [host],
            }],
        }))
    }
}
