//! The commented example of `reinvite.toml`, as `init` writes it.
//!
//! Leaves to others: writing it.

/// The text of `config/reinvite.example.toml`: every key, its meaning and its
/// default.
pub const EXAMPLE: &str = include_str!("../../config/reinvite.example.toml");

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use crate::config::error::ConfigError;
    use crate::config::key;
    use crate::config::layers::Layers;
    use crate::config::{
        AuthSettings, DeliverySettings, Guards, HookSettings, InvitationDefaults, MailWrite,
        ManifestSettings, NotifySettings, Overrides, PaceSettings, ReconcileSettings,
        RemindSettings, SecretSource, Settings, WaveSettings,
    };

    use super::EXAMPLE;

    const ID: &str = "9071bfde-35e0-47d2-a582-d244ab1b4af6";
    const BLANK: &str = "00000000-0000-0000-0000-000000000000";

    fn load(text: &str) -> Result<Settings, ConfigError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("reinvite.toml");
        fs::write(&path, text).unwrap();
        Settings::load(&path, true, |_| None, &Overrides::default()).map(|(settings, _)| settings)
    }

    /// The example with every commented key in force. A key without default is
    /// marked as an example in its comment, an alternative to an earlier key
    /// with `or:`, and both are left alone here.
    fn uncommented() -> String {
        let line = |line: &str| match line.strip_prefix("# ") {
            Some(key) if is_assignment(key) && !key.contains("# example") => key.to_owned(),
            _ => line.to_owned(),
        };
        EXAMPLE.lines().map(line).collect::<Vec<_>>().join("\n")
    }

    fn is_assignment(text: &str) -> bool {
        text.split_once(" = ").is_some_and(|(name, _)| key::ALL.iter().any(|key| key.name == name))
    }

    #[test]
    fn the_example_lacks_nothing_but_the_two_ids() {
        let ConfigError::Invalid(problems) = load(EXAMPLE).unwrap_err() else { panic!() };
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems.iter().all(|problem| problem.message.contains("placeholder")));
        let settings = load(&EXAMPLE.replace(BLANK, ID)).unwrap();
        assert_eq!(settings.tenant.id, ID);
        let AuthSettings::ClientSecret { client_id, secret: SecretSource::File(path) } =
            settings.auth
        else {
            panic!("{:?}", settings.auth)
        };
        assert_eq!(client_id, ID);
        assert!(path.is_absolute(), "beside the file: {}", path.display());
    }

    #[test]
    fn the_defaults_that_the_example_states_are_the_defaults() {
        let text = uncommented();
        assert_ne!(text, EXAMPLE);
        let stated = load(&text.replace(BLANK, ID)).unwrap();
        let unstated = load(&EXAMPLE.replace(BLANK, ID)).unwrap();
        assert_eq!(stated.tenant, unstated.tenant);
        assert_eq!(stated.invitation, InvitationDefaults::default());
        assert_eq!(stated.mail, MailWrite::default());
        assert_eq!(stated.pace, PaceSettings::default());
        assert_eq!(stated.guards, Guards::default());
        assert_eq!(stated.checkpoint, None);
        assert_eq!(stated.manifest, ManifestSettings::default());
        assert_eq!(stated.reconcile, ReconcileSettings::default());
        assert_eq!(stated.remind, RemindSettings::default());
        assert_eq!(stated.waves, WaveSettings::default());
        assert_eq!(stated.delivery, DeliverySettings::default());
        assert_eq!(stated.metrics, None);
        assert_eq!(stated.notify, NotifySettings::default());
        assert_eq!(stated.hooks, HookSettings::default());
    }

    fn assert_as_its_schema_says(config: &str) {
        let schema = include_str!("../../docs/schema/config.json");
        let mut compiler = boon::Compiler::new();
        let place = "file:///config.json";
        compiler.add_resource(place, serde_json::from_str(schema).unwrap()).unwrap();
        let mut schemas = boon::Schemas::new();
        let index = compiler.compile(place, &mut schemas).unwrap();
        let value: serde_json::Value = toml::from_str(config).unwrap();
        if let Err(error) = schemas.validate(&value, index) {
            panic!("{error:#}");
        }
        let misspelt: serde_json::Value = toml::from_str("[pace]\nprest = 1").unwrap();
        assert!(schemas.validate(&misspelt, index).is_err());
    }

    #[test]
    fn every_key_stands_in_the_example_once_under_its_section_and_is_valid() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("reinvite.toml");
        let keys: Vec<_> = EXAMPLE
            .lines()
            .filter_map(|line| {
                let line = line.trim_start_matches(['#', ' ']);
                let line = line.strip_prefix("or: ").unwrap_or(line);
                (line.starts_with('[') || is_assignment(line)).then_some(line)
            })
            .collect();
        fs::write(&path, keys.join("\n")).unwrap();
        let env = |_: &str| None;
        let mut layers = Layers::open(Path::new(&path), true, &env).unwrap();
        for key in key::ALL {
            assert!(matches!(layers.find(*key, |_| Ok(())), Ok(Some(_))), "{key}");
        }
        assert!(layers.finish(Ok(())).is_ok());

        // The keys without a default hold examples that would be accepted.
        let examples = EXAMPLE.replace(BLANK, ID);
        let examples: Vec<_> = examples
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(key) if is_assignment(key) => key,
                _ => line,
            })
            .collect();
        let examples = examples.join("\n");
        assert_as_its_schema_says(&examples);
        let settings = load(&examples).unwrap();
        assert!(settings.invitation.message.is_some());
        assert!(settings.guards.allowed_domains.is_some());
        assert!(settings.checkpoint.is_some());
        assert!(!settings.manifest.columns.is_empty());
        assert!(settings.manifest.sheet.is_some());
        assert!(settings.remind.after.is_some());
        assert!(!settings.waves.sizes.is_empty());
        let delivery = settings.delivery;
        assert!(delivery.from.is_some() && delivery.template.is_some());
        assert!(delivery.smtp.is_some_and(|smtp| smtp.login.is_some()));
        assert!(settings.metrics.is_some());
        assert!(settings.notify.webhook.is_some() && settings.notify.ping.is_some());
        assert!(settings.hooks.on_success.is_some());
    }
}
