//! Precedence, defaults, and what is said about values that won't do.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

use super::*;
use crate::config::{NotifyOn, Preset, SecretSource, WebhookFormat};

const ID: &str = "9071bfde-35e0-47d2-a582-d244ab1b4af6";

const MINIMAL: &str = "[tenant]\nid = \"contoso.example\"\n\
    [auth]\nclient_id = \"9071bfde-35e0-47d2-a582-d244ab1b4af6\"\nclient_secret_env = \"S\"\n";

fn load_with(
    text: &str,
    env: &[(&str, &str)],
    overrides: &Overrides,
) -> Result<(Settings, Vec<Warning>), ConfigError> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("reinvite.toml");
    fs::write(&path, text).unwrap();
    let env: HashMap<_, _> = env.iter().copied().collect();
    Settings::load(&path, true, |name| env.get(name).map(OsString::from), overrides)
}

fn load(text: &str, env: &[(&str, &str)]) -> Result<Settings, ConfigError> {
    load_with(text, env, &Overrides::default()).map(|(settings, _)| settings)
}

/// The problems of a file, each without the directory in front.
fn problems(text: &str, env: &[(&str, &str)]) -> Vec<String> {
    match load(text, env) {
        Err(ConfigError::Invalid(problems)) => problems
            .iter()
            .map(|problem| {
                let shown = problem.to_string();
                shown.rfind("reinvite.toml:").map_or(shown.clone(), |at| shown[at..].into())
            })
            .collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_minimal_file_gives_the_defaults() {
    let settings = load(MINIMAL, &[]).unwrap();
    assert_eq!(settings.tenant.id, "contoso.example");
    assert_eq!(settings.tenant.graph_url.as_str(), "https://graph.microsoft.com/");
    assert_eq!(settings.tenant.login_url.as_str(), "https://login.microsoftonline.com/");
    assert_eq!(settings.tenant.scope, "https://graph.microsoft.com/.default");
    let secret = SecretSource::Env("S".into());
    assert_eq!(settings.auth, AuthSettings::ClientSecret { client_id: ID.into(), secret });
    assert_eq!(settings.invitation.redirect_url.as_str(), "https://myapps.microsoft.com");
    assert!(settings.invitation.send);
    assert_eq!(settings.mail, MailWrite::Mail);
    assert_eq!(settings.pace.preset, Preset::Steady);
    assert_eq!(settings.pace.settle, Duration::from_secs(15));
    assert_eq!(settings.pace.replication_lag, Duration::from_mins(5));
    assert_eq!(settings.guards.max_changes.to_string(), "30%");
    assert_eq!(settings.checkpoint, None);
}

#[test]
fn flag_comes_before_environment_before_file_before_default() {
    let file = format!("{MINIMAL}[guards]\nmax_changes = 3\n");
    let variable = [("REINVITE_GUARDS_MAX_CHANGES", "20%")];
    let flag = Overrides { max_changes: Some(Limit::Count(1)), ..Overrides::default() };
    let none = Overrides::default();
    for (text, env, overrides, expected) in [
        (MINIMAL, &[][..], &none, "30%"),
        (&file, &[], &none, "3"),
        (&file, &variable, &none, "20%"),
        (&file, &variable, &flag, "1"),
        (MINIMAL, &variable, &none, "20%"),
        (&file, &[("REINVITE_GUARDS_MAX_CHANGES", "")], &none, "3"),
    ] {
        let (settings, _) = load_with(text, env, overrides).unwrap();
        assert_eq!(settings.guards.max_changes.to_string(), expected);
    }
}

#[test]
fn the_environment_alone_is_enough() {
    let env = |name: &str| {
        Some(match name {
            "REINVITE_TENANT_ID" | "REINVITE_AUTH_CLIENT_ID" => ID.into(),
            "REINVITE_TENANT_GRAPH_URL" => "http://127.0.0.1:8080".into(),
            "REINVITE_AUTH_CLIENT_SECRET_FILE" => "secret.txt".into(),
            "REINVITE_PACE_WRITES_PER_SECOND" => "0.5".into(),
            "REINVITE_GUARDS_ALLOWED_DOMAINS" => "A.example,b.example".into(),
            "REINVITE_INVITATION_SEND" => "no".into(),
            _ => return None,
        })
    };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("reinvite.toml");
    let (settings, _) = Settings::load(&path, false, env, &Overrides::default()).unwrap();
    assert_eq!(settings.tenant.scope, "http://127.0.0.1:8080/.default");
    let secret = SecretSource::File("secret.txt".into());
    assert_eq!(settings.auth, AuthSettings::ClientSecret { client_id: ID.into(), secret });
    assert!((settings.pace.writes_per_second - 0.5).abs() < f64::EPSILON);
    assert_eq!(settings.guards.allowed_domains.unwrap(), ["a.example", "b.example"]);
    assert!(!settings.invitation.send);
}

#[test]
fn a_preset_sets_the_pace_and_single_keys_override_it() {
    for (text, writes, burst, in_flight) in [
        ("", 4.0, 4, 16),
        ("preset = \"careful\"", 1.0, 1, 4),
        ("preset = \"full\"", 18.0, 100, 64),
        ("preset = \"full\"\nburst = 7", 18.0, 7, 64),
        ("writes_per_second = 0.25\nrequests_in_flight = 1024", 0.25, 4, 1024),
    ] {
        let pace = load(&format!("{MINIMAL}[pace]\n{text}\n"), &[]).unwrap().pace;
        assert!((pace.writes_per_second - writes).abs() < f64::EPSILON, "{text}");
        assert_eq!((pace.burst, pace.requests_in_flight), (burst, in_flight), "{text}");
    }
}

#[test]
fn every_cloud_is_signed_in_to_and_asked_at_its_own_address() {
    for (cloud, graph, login) in [
        ("us-gov", "https://graph.microsoft.us/", "https://login.microsoftonline.us/"),
        ("us-gov-dod", "https://dod-graph.microsoft.us/", "https://login.microsoftonline.us/"),
        ("china", "https://microsoftgraph.chinacloudapi.cn/", "https://login.chinacloudapi.cn/"),
    ] {
        let tenant = load(MINIMAL, &[("REINVITE_TENANT_CLOUD", cloud)]).unwrap().tenant;
        assert_eq!(tenant.graph_url.as_str(), graph);
        assert_eq!(tenant.login_url.as_str(), login);
        assert_eq!(tenant.scope, format!("{graph}.default"));
    }
}

#[test]
fn all_problems_are_reported_at_once_with_their_places() {
    let text = "[tenant]\ncloud = \"mars\"\n[pace]\nsettle = 15\nbrust = 2\n\
        writes_per_second = 0\n[invitation]\ncc = \"nobody\"\nsend = \"yes\"\n";
    let problems = problems(text, &[("REINVITE_MAIL_WRITE", "mial")]);
    let starts = [
        "reinvite.toml:2:9: [tenant] cloud: `mars` is not",
        "reinvite.toml:4:10: [pace] settle: must be a text in quotes, not a number\n4 | settle = 15\n",
        "reinvite.toml:5:1: [pace] has no key `brust`",
        "reinvite.toml:6:21: [pace] writes_per_second: must be a number from 0.001 to ",
        "reinvite.toml:8:6: [invitation] cc: ",
        "reinvite.toml:9:8: [invitation] send: must be true or false, without quotes",
        "REINVITE_MAIL_WRITE: [mail] write: `mial` is not",
        "[tenant] id is not set",
        "[auth] client_id is not set",
        "[auth] client_secret_file or [auth] client_secret_env or [auth] client_secret_command is not set",
    ];
    assert_eq!(problems.len(), starts.len(), "{problems:#?}");
    for (problem, start) in problems.iter().zip(starts) {
        assert!(problem.starts_with(start), "{problem}\n{start}");
    }
}

#[test]
fn a_file_that_is_not_toml_is_the_only_problem() {
    let problems = problems("[tenant]\nid = \n[pace]\nbrust = 1\n", &[]);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].starts_with("reinvite.toml:2:6: not valid TOML: "), "{}", problems[0]);
}

#[test]
fn values_out_of_bounds_are_refused() {
    for lines in [
        "[pace]\nwrites_per_second = 1000001",
        "[pace]\nburst = 0",
        "[pace]\nrequests_in_flight = 1025",
        "[pace]\nsettle = \"-1s\"",
        "[guards]\nmax_changes = \"101%\"",
        "[guards]\nmax_changes = -1",
        "[guards]\nmax_failures = 0.5",
        "[guards]\nallowed_domains = []",
        "[guards]\nallowed_domains = [\"@a.example\"]",
        "[guards]\nallowed_domains = \"a.example\"",
        "[invitation]\nredirect_url = \"http://a.example\"",
        "[invitation]\nlanguage = \"english\"",
        "[invitation]\nmessage = \"  \"",
        "[checkpoint]\npath = \"\"",
    ] {
        let problems = problems(&format!("{MINIMAL}{lines}\n"), &[]);
        assert_eq!(problems.len(), 1, "{lines}: {problems:?}");
        assert!(problems[0].starts_with("reinvite.toml:7:"), "{}", problems[0]);
    }
}

#[test]
fn a_secret_has_one_place_and_the_environments_wins() {
    let file = SecretSource::File("f".into());
    let method = ("REINVITE_AUTH_METHOD", "access-token");
    let as_token = [method, ("REINVITE_AUTH_ACCESS_TOKEN_FILE", "f")];
    assert_eq!(load(MINIMAL, &as_token).unwrap().auth, AuthSettings::AccessToken(file.clone()));
    let replaced = load(MINIMAL, &[("REINVITE_AUTH_CLIENT_SECRET_FILE", "f")]).unwrap();
    assert_eq!(replaced.auth, AuthSettings::ClientSecret { client_id: ID.into(), secret: file });
    let both = problems(&format!("{MINIMAL}client_secret_file = \"f\"\n"), &[]);
    assert!(both[0].contains("`client_secret_file` is given as well"), "{both:?}");
    assert_eq!(problems(MINIMAL, &[method]).len(), 1);
    let token_only = MINIMAL.replace("client_secret_env", "access_token_env");
    assert_eq!(problems(&token_only, &[]), ["[auth] method is not set"]);
}

#[test]
fn what_may_be_a_secret_is_not_repeated() {
    let text = MINIMAL.replace("\"S\"", "\"Hid~den.1\"");
    let error = load(&text, &[]).unwrap_err();
    assert!(error.to_string().contains("not the name of an environment variable"));
    assert!(!format!("{error} {error:?}").contains("Hid~den"), "{error:?}");
    let text =
        format!("{MINIMAL}[mail]\n").replace("[auth]", "graph_url = 'https://a:Hid~den@b'\n[auth]");
    let error = load(&text, &[]).unwrap_err();
    assert!(error.to_string().contains("must not carry a user name or password"));
    assert!(!format!("{error} {error:?}").contains("Hid~den"), "{error:?}");
}

#[test]
fn whoever_is_told_has_a_place_a_form_and_occasions() {
    let notify = |keys: &str| load(&format!("{MINIMAL}[notify]\n{keys}\n"), &[]);
    let told = notify("webhook_env = 'W'\nformat = 'teams'\non = ['changes', 'failure']").unwrap();
    assert_eq!(told.notify.webhook, Some(SecretSource::Env("W".into())));
    assert_eq!(told.notify.format, WebhookFormat::Teams);
    assert_eq!(told.notify.on, NotifyOn { failure: true, changes: true, always: false });
    assert_eq!(told.notify.ping, None);
    for (keys, expected) in [
        ("on = ['failures']", "`failures` is not `failure`, `changes` or `always`"),
        ("on = []", "an empty list would tell of nothing"),
        ("ping_file = 'p'\nping_env = 'P'", "`ping_file` is given as well"),
        ("webhook_file = 'https://a.example/Hid~den'", "is not the name of a file"),
        ("webhook_env = 'https://a.example/Hid~den'", "is not the name of an environment variable"),
        ("webhook = 'https://a.example/Hid~den'", "has no key `webhook`"),
    ] {
        let error = notify(keys).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(!format!("{error} {error:?}").contains("Hid~den"), "{error:?}");
    }
}

#[test]
fn a_hook_is_a_program_and_its_arguments() {
    let hooks = |keys: &str, env: &[(&str, &str)]| {
        load(&format!("{MINIMAL}[hooks]\n{keys}\n"), env).map(|settings| settings.hooks)
    };
    let given = hooks("on_success = ['tell', 'a b']", &[("REINVITE_HOOKS_FINALLY", "tell,c d")]);
    let given = given.unwrap();
    assert_eq!(given.on_success, Some(vec!["tell".into(), "a b".into()]));
    assert_eq!(given.finally, Some(vec!["tell".into(), "c d".into()]));
    for (keys, expected) in [
        ("on_failure = 'tell me'", "must be a list of the program and its arguments"),
        ("on_failure = []", "names no program"),
        ("time_limit = '0s'", "leaves the programs no time at all"),
    ] {
        let error = hooks(keys, &[]).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn offline_commands_need_no_tenant_and_still_refuse_unknown_keys() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("reinvite.toml");
    let load = |text: &str| {
        fs::write(&path, text).unwrap();
        OfflineSettings::load(&path, true, |_| None, &Overrides::default())
    };
    let (settings, _) = load("[checkpoint]\npath = \"c\"\n").unwrap();
    assert_eq!(settings.checkpoint, Some(directory.path().join("c")));
    assert!(load("[tenant]\nid = 5\n").is_ok());
    assert!(load("[tenant]\nidd = \"x\"\n").is_err());
}

#[test]
fn a_canary_of_nought_turns_the_files_off() {
    let file = format!("{MINIMAL}[guards]\ncanary = 5\n");
    let off = Overrides { canary: Some(0), ..Overrides::default() };
    assert_eq!(load(&file, &[]).unwrap().guards.canary, Some(5));
    assert_eq!(load_with(&file, &[], &off).unwrap().0.guards.canary, None);
}

#[cfg(unix)]
#[test]
fn a_secret_file_open_to_others_is_warned_about() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let secret = directory.path().join("secret");
    fs::write(&secret, "x").unwrap();
    let env = [("REINVITE_AUTH_CLIENT_SECRET_FILE", secret.to_str().unwrap())];
    for (mode, warnings) in [(0o644, 1), (0o600, 0)] {
        fs::set_permissions(&secret, fs::Permissions::from_mode(mode)).unwrap();
        let (_, seen) = load_with(MINIMAL, &env, &Overrides::default()).unwrap();
        assert_eq!(seen.len(), warnings, "{seen:?}");
    }
}

proptest::proptest! {
    #[test]
    fn arbitrary_values_never_panic(text in "\\PC{0,40}", scheme in "(https?://)?[a-z:/@.?#\\[\\]0-9]{0,12}") {
        for value in [text, scheme] {
            let env = |_: &str| Some(OsString::from(&value));
            let path = Path::new("nowhere/reinvite.toml");
            if let Err(error) = Settings::load(path, false, env, &Overrides::default()) {
                let _ = (error.to_string(), error.hints());
            }
        }
    }
}

#[test]
fn a_path_whose_backslash_passed_for_an_escape_is_refused() {
    for (text, told) in [
        (
            r#"[guards]
stop_file = "C:\tools\\stop""#,
            r"stop_file: holds a tab, as `\t`",
        ),
        (
            r#"[hooks]
finally = ["C:\new\\a.exe"]"#,
            r"finally: holds a line end, as `\n`",
        ),
        (
            r#"[hooks]
finally = ["powershell", "-File", "C:\reinvite\\hook.ps1"]"#,
            r"finally: holds a carriage return, as `\r`",
        ),
        (
            r#"[checkpoint]
path = "\temp\\c""#,
            r"path: holds a tab, as `\t`",
        ),
    ] {
        let problems = problems(&format!("{MINIMAL}{text}\n"), &[]);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].contains(told), "{problems:?}");
    }
    let command = r#"client_secret_command = ["C:\bin\\x"]"#;
    let problems = problems(&MINIMAL.replace("client_secret_env = \"S\"", command), &[]);
    assert!(problems[0].contains("client_secret_command: holds a backspace"), "{problems:?}");
}
