//! The table of configuration keys: what `reinvite.toml` may hold and which
//! environment variable stands for each key.
//!
//! Leaves to others: what a value means (`settings` and its sections) and where
//! it is found (`layers`).

use std::fmt;

/// One key of one section.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) section: &'static str,
    pub(super) name: &'static str,
}

impl Key {
    /// The environment variable that stands for the key: `REINVITE_PACE_SETTLE`.
    pub(super) fn variable(self) -> String {
        format!("REINVITE_{}_{}", self.section, self.name).replace('.', "_").to_uppercase()
    }

    /// The key of this section and name, if there is one.
    pub(super) fn find(section: &str, name: &str) -> Option<Self> {
        ALL.iter().copied().find(|key| key.section == section && key.name == name)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}", self.section, self.name)
    }
}

/// The sections, in the order of the example file.
pub(super) fn sections() -> Vec<&'static str> {
    let mut sections: Vec<_> = ALL.iter().map(|key| key.section).collect();
    sections.dedup();
    sections
}

/// The names of a section's keys.
pub(super) fn names_in(section: &str) -> impl Iterator<Item = &'static str> {
    ALL.iter().filter(move |key| key.section == section).map(|key| key.name)
}

macro_rules! keys {
    ($($constant:ident = $section:literal $name:literal;)*) => {
        $(pub(super) const $constant: Key = Key { section: $section, name: $name };)*

        pub(super) const ALL: &[Key] = &[$($constant),*];
    };
}

keys! {
    TENANT_ID = "tenant" "id";
    TENANT_CLOUD = "tenant" "cloud";
    TENANT_GRAPH_URL = "tenant" "graph_url";
    TENANT_LOGIN_URL = "tenant" "login_url";
    AUTH_METHOD = "auth" "method";
    AUTH_CLIENT_ID = "auth" "client_id";
    AUTH_CLIENT_SECRET_FILE = "auth" "client_secret_file";
    AUTH_CLIENT_SECRET_ENV = "auth" "client_secret_env";
    AUTH_CLIENT_SECRET_COMMAND = "auth" "client_secret_command";
    AUTH_CERTIFICATE_FILE = "auth" "certificate_file";
    AUTH_CERTIFICATE_KEY_FILE = "auth" "certificate_key_file";
    AUTH_CERTIFICATE_PASSWORD_FILE = "auth" "certificate_password_file";
    AUTH_CERTIFICATE_PASSWORD_ENV = "auth" "certificate_password_env";
    AUTH_CERTIFICATE_PASSWORD_COMMAND = "auth" "certificate_password_command";
    AUTH_FEDERATION = "auth" "federation";
    AUTH_FEDERATED_TOKEN_FILE = "auth" "federated_token_file";
    AUTH_ACCESS_TOKEN_FILE = "auth" "access_token_file";
    AUTH_ACCESS_TOKEN_ENV = "auth" "access_token_env";
    AUTH_ACCESS_TOKEN_COMMAND = "auth" "access_token_command";
    INVITATION_REDIRECT_URL = "invitation" "redirect_url";
    INVITATION_LANGUAGE = "invitation" "language";
    INVITATION_MESSAGE = "invitation" "message";
    INVITATION_CC = "invitation" "cc";
    INVITATION_SEND = "invitation" "send";
    MAIL_WRITE = "mail" "write";
    PACE_PRESET = "pace" "preset";
    PACE_WRITES_PER_SECOND = "pace" "writes_per_second";
    PACE_BURST = "pace" "burst";
    PACE_REQUESTS_IN_FLIGHT = "pace" "requests_in_flight";
    PACE_SETTLE = "pace" "settle";
    PACE_REPLICATION_LAG = "pace" "replication_lag";
    GUARDS_MAX_CHANGES = "guards" "max_changes";
    GUARDS_MAX_FAILURES = "guards" "max_failures";
    GUARDS_ALLOWED_DOMAINS = "guards" "allowed_domains";
    GUARDS_REDEEMABLE_DOMAINS = "guards" "redeemable_domains";
    GUARDS_CANARY = "guards" "canary";
    GUARDS_STOP_FILE = "guards" "stop_file";
    GUARDS_INVITED_WITHIN = "guards" "invited_within";
    CHECKPOINT_PATH = "checkpoint" "path";
    MANIFEST_RESET_ONLY = "manifest" "reset_only";
    MANIFEST_COLUMNS = "manifest" "columns";
    MANIFEST_SHEET = "manifest" "sheet";
    RECONCILE_UNATTENDED = "reconcile" "unattended";
    RECONCILE_CORRECT_DRIFT = "reconcile" "correct_drift";
    RECONCILE_MAX_CHANGES = "reconcile" "max_changes";
    RECONCILE_MAIL_TRACE = "reconcile" "mail_trace";
    RECONCILE_INVITATIONS_FROM = "reconcile" "invitations_from";
    REMIND_AFTER = "remind" "after";
    REMIND_MAX = "remind" "max";
    REMIND_GAP = "remind" "gap";
    REMIND_QUIET_HOURS = "remind" "quiet_hours";
    REMIND_WEEKDAYS = "remind" "weekdays";
    REVERT_MESSAGE = "revert" "message";
    REVERT_SUBJECT = "revert" "subject";
    REVERT_TEMPLATE = "revert" "template";
    REVERT_TEXT_TEMPLATE = "revert" "text_template";
    WAVES_SIZES = "waves" "sizes";
    WAVES_MAX_FAILURES = "waves" "max_failures";
    WAVES_REDEEMED = "waves" "redeemed";
    WAVES_AFTER = "waves" "after";
    WAVES_MAX_BOUNCED = "waves" "max_bounced";
    DELIVERY_BY = "delivery" "by";
    DELIVERY_FROM = "delivery" "from";
    DELIVERY_REPLY_TO = "delivery" "reply_to";
    DELIVERY_SUBJECT = "delivery" "subject";
    DELIVERY_TEMPLATE = "delivery" "template";
    DELIVERY_TEXT_TEMPLATE = "delivery" "text_template";
    DELIVERY_FOLDER = "delivery" "folder";
    DELIVERY_KEEP_LINKS = "delivery" "keep_links";
    DELIVERY_AHEAD = "delivery" "ahead";
    DELIVERY_SMTP_HOST = "delivery.smtp" "host";
    DELIVERY_SMTP_PORT = "delivery.smtp" "port";
    DELIVERY_SMTP_TLS = "delivery.smtp" "tls";
    DELIVERY_SMTP_USER = "delivery.smtp" "user";
    DELIVERY_SMTP_PASSWORD_FILE = "delivery.smtp" "password_file";
    DELIVERY_SMTP_PASSWORD_ENV = "delivery.smtp" "password_env";
    DELIVERY_SMTP_PASSWORD_COMMAND = "delivery.smtp" "password_command";
    DELIVERY_SMTP_OAUTH = "delivery.smtp" "oauth";
    DELIVERY_PACE_PER_MINUTE = "delivery.pace" "per_minute";
    DELIVERY_PACE_IN_FLIGHT = "delivery.pace" "in_flight";
    DELIVERY_PACE_RECIPIENTS_PER_DAY = "delivery.pace" "recipients_per_day";
    METRICS_TEXTFILE = "metrics" "textfile";
    NOTIFY_WEBHOOK_FILE = "notify" "webhook_file";
    NOTIFY_WEBHOOK_ENV = "notify" "webhook_env";
    NOTIFY_WEBHOOK_COMMAND = "notify" "webhook_command";
    NOTIFY_FORMAT = "notify" "format";
    NOTIFY_ON = "notify" "on";
    NOTIFY_PING_FILE = "notify" "ping_file";
    NOTIFY_PING_ENV = "notify" "ping_env";
    NOTIFY_PING_COMMAND = "notify" "ping_command";
    HOOKS_ON_SUCCESS = "hooks" "on_success";
    HOOKS_ON_FAILURE = "hooks" "on_failure";
    HOOKS_FINALLY = "hooks" "finally";
    HOOKS_TIME_LIMIT = "hooks" "time_limit";
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_key_has_a_variable_of_its_own() {
        let variables: HashSet<_> = ALL.iter().map(|key| key.variable()).collect();
        assert_eq!(variables.len(), ALL.len());
        assert_eq!(PACE_WRITES_PER_SECOND.variable(), "REINVITE_PACE_WRITES_PER_SECOND");
        assert_eq!(TENANT_ID.variable(), "REINVITE_TENANT_ID");
        assert_eq!(DELIVERY_SMTP_HOST.variable(), "REINVITE_DELIVERY_SMTP_HOST");
    }

    #[test]
    fn the_schema_of_the_configuration_has_these_keys_and_no_other() {
        fn collect(section: &str, schema: &serde_json::Value, keys: &mut HashSet<String>) {
            for (name, of) in schema["properties"].as_object().unwrap() {
                let below =
                    if section.is_empty() { name.clone() } else { format!("{section}.{name}") };
                if of.get("properties").is_some() {
                    assert_eq!(of["additionalProperties"], false, "{below}");
                    collect(&below, of, keys);
                } else {
                    assert!(of["description"].is_string(), "{below}");
                    keys.insert(below);
                }
            }
        }
        let schema = include_str!("../../docs/schema/config.json");
        let mut listed = HashSet::new();
        collect("", &serde_json::from_str(schema).unwrap(), &mut listed);
        let keys: HashSet<_> =
            ALL.iter().map(|key| format!("{}.{}", key.section, key.name)).collect();
        assert_eq!(listed, keys);
    }

    #[test]
    fn a_section_is_listed_once() {
        let listed = sections();
        let distinct: HashSet<_> = listed.iter().collect();
        assert_eq!(distinct.len(), listed.len());
        assert_eq!(
            listed,
            [
                "tenant",
                "auth",
                "invitation",
                "mail",
                "pace",
                "guards",
                "checkpoint",
                "manifest",
                "reconcile",
                "remind",
                "revert",
                "waves",
                "delivery",
                "delivery.smtp",
                "delivery.pace",
                "metrics",
                "notify",
                "hooks"
            ]
        );
    }
}
