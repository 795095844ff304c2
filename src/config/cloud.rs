//! Which tenant, and where its Graph and its sign-in answer: Microsoft's clouds,
//! or addresses given instead.
//!
//! Leaves to others: talking to them.

use url::{Host, Url};
use uuid::Uuid;

use super::key;
use super::layers::{Layers, Reported};
use super::value::{Fault, Value};

/// Microsoft's clouds. Each has a Graph and a sign-in of its own, and a token of
/// one is worth nothing in another (Microsoft Graph, *National cloud
/// deployments*, 2025-01).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cloud {
    /// The global service, GCC included.
    #[default]
    Global,
    /// US Government L4 (GCC High).
    UsGov,
    /// US Government L5, the Department of Defense.
    UsGovDod,
    /// China, operated by 21Vianet.
    China,
}

const CLOUDS: &[(&str, Cloud)] = &[
    ("global", Cloud::Global),
    ("us-gov", Cloud::UsGov),
    ("us-gov-dod", Cloud::UsGovDod),
    ("china", Cloud::China),
];

impl Cloud {
    pub const fn graph(self) -> &'static str {
        match self {
            Self::Global => "https://graph.microsoft.com",
            Self::UsGov => "https://graph.microsoft.us",
            Self::UsGovDod => "https://dod-graph.microsoft.us",
            Self::China => "https://microsoftgraph.chinacloudapi.cn",
        }
    }

    pub const fn login(self) -> &'static str {
        match self {
            Self::Global => "https://login.microsoftonline.com",
            Self::UsGov | Self::UsGovDod => "https://login.microsoftonline.us",
            Self::China => "https://login.chinacloudapi.cn",
        }
    }

    /// The audience of a token by which another identity provider vouches for an
    /// application (Entra, *Configure an application to trust a managed identity*).
    pub const fn exchange_audience(self) -> &'static str {
        match self {
            Self::Global => "api://AzureADTokenExchange",
            Self::UsGov | Self::UsGovDod => "api://AzureADTokenExchangeUSGov",
            Self::China => "api://AzureADTokenExchangeChina",
        }
    }
}

/// The tenant and its addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantSettings {
    /// Tenant id, or one of its domain names; in lower case.
    pub id: String,
    /// The cloud that the addresses are of, unless others are given.
    pub cloud: Cloud,
    /// Graph's root, without version; its path ends with a slash.
    pub graph_url: Url,
    /// The sign-in's root; its path ends with a slash.
    pub login_url: Url,
    /// What a token is asked for: everything granted to the application.
    pub scope: String,
}

impl TenantSettings {
    /// Name of the cloud whose addresses these are; None for others.
    pub fn cloud_name(&self) -> Option<&'static str> {
        let is = |url: &Url, own: &str| url.as_str().trim_end_matches('/') == own;
        let found = CLOUDS.iter().find(|(_, cloud)| {
            is(&self.graph_url, cloud.graph()) && is(&self.login_url, cloud.login())
        });
        found.map(|(name, _)| *name)
    }

    pub(super) fn resolve(layers: &mut Layers<'_>) -> Result<Self, Reported> {
        let id = layers
            .need(key::TENANT_ID, "id = \"<your tenant id>\"", |value| value.parsed(tenant_id));
        let cloud = layers.get(key::TENANT_CLOUD, |value| value.choice(CLOUDS));
        let graph_url = layers.get(key::TENANT_GRAPH_URL, |value| service_url(value, "Graph"));
        let login_url = layers.get(key::TENANT_LOGIN_URL, |value| service_url(value, "sign-in"));
        let cloud = cloud?.unwrap_or_default();
        let graph_url = graph_url?.unwrap_or_else(|| root(cloud.graph()));
        Ok(Self {
            id: id?,
            cloud,
            scope: format!("{}/.default", graph_url.as_str().trim_end_matches('/')),
            graph_url,
            login_url: login_url?.unwrap_or_else(|| root(cloud.login())),
        })
    }
}

impl TenantSettings {
    /// What a token is for, as managed identities and the Azure CLI name it: Graph's
    /// root.
    pub fn resource(&self) -> &str {
        self.scope.strip_suffix("/.default").unwrap_or(&self.scope)
    }
}

fn root(url: &str) -> Url {
    Url::parse(url).expect("the table's URLs are URLs")
}

fn tenant_id(text: &str) -> Result<String, String> {
    if let Ok(id) = Uuid::try_parse(text) {
        return guid(id, text);
    }
    // These stand for any tenant, and a run is about one.
    if ["common", "organizations", "consumers"].contains(&text.to_lowercase().as_str()) {
        return Err(format!("`{text}` is no tenant; give the tenant's id or a domain name of it"));
    }
    if is_name(text) {
        return Ok(text.to_lowercase());
    }
    Err(format!("`{text}` is neither a tenant id (a GUID) nor a domain name of the tenant"))
}

/// A GUID in its usual form; not the one that the example file has for a blank.
pub(super) fn guid(id: Uuid, text: &str) -> Result<String, String> {
    if id.is_nil() {
        return Err("is still the placeholder of the example; put your own id there".to_owned());
    }
    if text.len() != 36 {
        return Err(format!("`{text}` is not in the form {id}"));
    }
    Ok(id.to_string())
}

/// Whether the text has the shape of a DNS name of two labels or more.
pub(super) fn is_domain(text: &str) -> bool {
    text.contains('.') && is_name(text)
}

/// Whether the text has the shape of a DNS name. What cannot stand in a URL's path
/// is kept out; whether there is such a tenant the sign-in says.
fn is_name(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(label)
}

/// Reads a service's root. The secret and the tokens travel there, so it is https
/// unless it never leaves this machine.
fn service_url(value: &Value, service: &str) -> Result<Url, Fault> {
    let text = value.text()?;
    let mut url =
        Url::parse(text).map_err(|error| Fault::new(format!("`{text}` is not a URL: {error}")))?;
    if !url.username().is_empty() || url.password().is_some() {
        // Not shown: what stands before the @ may be a password.
        return Err(Fault::new("the URL must not carry a user name or password").unseen());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(Fault::new(format!("`{text}` must not have a `?` or `#` part"))
            .with_hint(format!("give the root of the {service} service only")));
    }
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => {
            return Err(Fault::new(format!("`{text}` is http, which would send secrets in clear"))
                .with_hint("use https; http is for 127.0.0.0/8, [::1] and localhost only"));
        }
        other => return Err(Fault::new(format!("`{other}` is not https"))),
    }
    let path = url.path().trim_end_matches('/');
    let path = path.strip_suffix("/v1.0").unwrap_or(path).trim_end_matches('/').to_owned();
    if path.ends_with("/beta") {
        return Err(Fault::new(format!(
            "`{text}` names the beta version, and reinvite speaks v1.0"
        ))
        .with_hint(format!("give the root of the {service} service only")));
    }
    url.set_path(&format!("{path}/"));
    Ok(url)
}

pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Result<String, String> {
        service_url(&Value::Text(text.into()), "Graph")
            .map(|url| url.to_string())
            .map_err(|fault| fault.message)
    }

    #[test]
    fn http_is_accepted_on_loopback_only() {
        for (text, expected) in [
            ("https://graph.microsoft.com", Some("https://graph.microsoft.com/")),
            ("https://graph.microsoft.com//", Some("https://graph.microsoft.com/")),
            ("https://proxy.example/graph/", Some("https://proxy.example/graph/")),
            ("http://127.0.0.1:8080", Some("http://127.0.0.1:8080/")),
            ("http://127.9.9.9/a", Some("http://127.9.9.9/a/")),
            ("http://[::1]:8080", Some("http://[::1]:8080/")),
            ("http://LocalHost:8080", Some("http://localhost:8080/")),
            ("http://graph.microsoft.com", None),
            ("http://localhost.example", None),
            ("http://10.0.0.1", None),
            ("http://[::2]", None),
            ("ftp://localhost", None),
            ("graph.microsoft.com", None),
            ("https://graph.microsoft.com/v1.0/", Some("https://graph.microsoft.com/")),
            ("https://graph.microsoft.com/beta", None),
            ("https://graph.microsoft.com?x=1", None),
            ("https://graph.microsoft.com#x", None),
        ] {
            assert_eq!(url(text).ok().as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_password_in_a_url_is_refused_unseen() {
        for text in ["https://me:hidden@graph.microsoft.com", "https://hidden@graph.microsoft.com"]
        {
            let fault = service_url(&Value::Text(text.into()), "Graph").unwrap_err();
            assert!(fault.secret && !fault.message.contains("hidden"), "{fault:?}");
        }
    }

    #[test]
    fn a_tenant_is_a_guid_or_a_domain() {
        for (text, expected) in [
            ("9071BFDE-35e0-47d2-a582-d244ab1b4af6", Some("9071bfde-35e0-47d2-a582-d244ab1b4af6")),
            ("Contoso.OnMicrosoft.com", Some("contoso.onmicrosoft.com")),
            ("contoso", Some("contoso")),
            ("9071bfde35e047d2a582d244ab1b4af6", None),
            ("00000000-0000-0000-0000-000000000000", None),
            ("common", None),
            ("contoso..com", None),
            ("-a.example", None),
            ("a b.example", None),
            ("a/b.example", None),
        ] {
            assert_eq!(tenant_id(text).ok().as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn every_cloud_has_hosts_scope_and_audience_of_its_own() {
        // Microsoft Graph, *National cloud deployments*, 2025-01; Entra, *Configure an
        // application to trust a managed identity*.
        for (cloud, login, graph, audience) in [
            (
                "global",
                "https://login.microsoftonline.com/",
                "https://graph.microsoft.com",
                "api://AzureADTokenExchange",
            ),
            (
                "us-gov",
                "https://login.microsoftonline.us/",
                "https://graph.microsoft.us",
                "api://AzureADTokenExchangeUSGov",
            ),
            (
                "us-gov-dod",
                "https://login.microsoftonline.us/",
                "https://dod-graph.microsoft.us",
                "api://AzureADTokenExchangeUSGov",
            ),
            (
                "china",
                "https://login.chinacloudapi.cn/",
                "https://microsoftgraph.chinacloudapi.cn",
                "api://AzureADTokenExchangeChina",
            ),
        ] {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("reinvite.toml");
            std::fs::write(&path, format!("[tenant]\nid = 'contoso'\ncloud = '{cloud}'\n"))
                .unwrap();
            let env = |_: &str| None;
            let mut layers = Layers::open(&path, true, &env).unwrap();
            let tenant = TenantSettings::resolve(&mut layers).unwrap();
            assert_eq!(tenant.login_url.as_str(), login);
            assert_eq!(tenant.graph_url.as_str(), format!("{graph}/"));
            assert_eq!(tenant.scope, format!("{graph}/.default"));
            assert_eq!(tenant.resource(), graph);
            assert_eq!(tenant.cloud.exchange_audience(), audience);
        }
        assert_eq!(CLOUDS.len(), 4);
    }
}
