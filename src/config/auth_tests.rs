//! Which keys belong to which method, and what is said of the others.

use std::collections::HashMap;
use std::fs;

use super::*;
use crate::config::{ConfigError, Overrides, Settings};

const TENANT: &str = "[tenant]\nid = \"contoso.example\"\n";
const ID: &str = "9071bfde-35e0-47d2-a582-d244ab1b4af6";

fn load(auth: &str, env: &[(&str, &str)]) -> Result<AuthSettings, Vec<String>> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("reinvite.toml");
    fs::write(&path, format!("{TENANT}[auth]\n{auth}")).unwrap();
    let env: HashMap<_, _> = env.iter().copied().collect();
    let get = |name: &str| env.get(name).map(Into::into);
    match Settings::load(&path, true, get, &Overrides::default()) {
        Ok((settings, _)) => Ok(settings.auth),
        Err(ConfigError::Invalid(problems)) => Err(problems
            .into_iter()
            .map(|problem| {
                let hint = problem.hint.unwrap_or_default();
                format!("{}: {hint}", problem.message)
            })
            .collect()),
        Err(other) => panic!("{other}"),
    }
}

fn problem(auth: &str, env: &[(&str, &str)]) -> String {
    let problems = load(auth, env).unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems.into_iter().next().unwrap()
}

/// A value for each key that is in itself right.
fn value(key: Key) -> String {
    match key.name {
        "client_id" => format!("'{ID}'"),
        "federation" => "'token-file'".to_owned(),
        "client_secret_command" | "certificate_password_command" | "access_token_command" => {
            "['pass', 'show']".to_owned()
        }
        _ => "'x'".to_owned(),
    }
}

#[test]
fn a_key_of_another_method_is_refused_for_every_method() {
    for (name, method) in METHODS {
        for key in key::ALL.iter().filter(|key| key.section == "auth" && key.name != "method") {
            let text = format!("method = '{name}'\n{} = {}\n", key.name, value(*key));
            let loaded = load(&text, &[]);
            let refused = loaded.is_err_and(|problems| {
                problems.iter().any(|problem| {
                    problem.starts_with(&format!("[auth] {}: is for ", key.name))
                        && problem.contains(&format!("the method is `{name}`"))
                })
            });
            assert_eq!(refused, !method.keys().contains(key), "{text}");
        }
    }
}

#[test]
fn every_key_belongs_to_a_method() {
    for key in key::ALL.iter().filter(|key| key.section == "auth" && key.name != "method") {
        assert!(Method::with_key(*key).next().is_some(), "{key}");
    }
}

#[test]
fn every_method_reads_its_keys() {
    let client_id = || ID.to_owned();
    // As seen from the directory of the file, which has a drive on Windows.
    let at = |path: &str| std::env::temp_dir().join(path);
    let certificate = format!("method = 'client-certificate'\nclient_id = '{ID}'\n");
    for (auth, env, expected) in [
        (
            format!("{certificate}certificate_file = '/c'\ncertificate_key_file = '/k'\n"),
            vec![],
            AuthSettings::ClientCertificate {
                client_id: client_id(),
                certificate: at("/c"),
                key: Some(at("/k")),
                password: None,
            },
        ),
        (
            format!("{certificate}certificate_file = '/c'\ncertificate_password_file = '/p'\n"),
            vec![],
            AuthSettings::ClientCertificate {
                client_id: client_id(),
                certificate: at("/c"),
                key: None,
                password: Some(SecretSource::File(at("/p"))),
            },
        ),
        (
            "method = 'workload-identity'\n".to_owned(),
            vec![("AZURE_CLIENT_ID", ID), ("AZURE_FEDERATED_TOKEN_FILE", "/t")],
            AuthSettings::WorkloadIdentity {
                client_id: client_id(),
                federation: Federation::TokenFile("/t".into()),
            },
        ),
        (
            format!(
                "method = 'workload-identity'\nclient_id = '{ID}'\nfederated_token_file = '/u'\n"
            ),
            vec![("AZURE_CLIENT_ID", "other"), ("AZURE_FEDERATED_TOKEN_FILE", "/t")],
            AuthSettings::WorkloadIdentity {
                client_id: client_id(),
                federation: Federation::TokenFile(at("/u")),
            },
        ),
        (
            format!("method = 'workload-identity'\nclient_id = '{ID}'\n"),
            vec![
                ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://github.example/?v=1"),
                ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "s3cret"),
            ],
            AuthSettings::WorkloadIdentity {
                client_id: client_id(),
                federation: Federation::GitHub {
                    url: "https://github.example/?v=1".parse().unwrap(),
                    token: SecretSource::Env("ACTIONS_ID_TOKEN_REQUEST_TOKEN".into()),
                },
            },
        ),
        (
            "method = 'managed-identity'\n".to_owned(),
            vec![],
            AuthSettings::ManagedIdentity { client_id: None, host: IdentityHost::Metadata },
        ),
        (
            format!("method = 'managed-identity'\nclient_id = '{ID}'\n"),
            vec![("IDENTITY_ENDPOINT", "http://localhost:1/t"), ("IDENTITY_HEADER", "s3cret")],
            AuthSettings::ManagedIdentity {
                client_id: Some(client_id()),
                host: IdentityHost::AppService {
                    endpoint: "http://localhost:1/t".parse().unwrap(),
                    header: SecretSource::Env("IDENTITY_HEADER".into()),
                },
            },
        ),
        ("method = 'azure-cli'\n".to_owned(), vec![], AuthSettings::AzureCli),
        (
            format!("method = 'device-code'\nclient_id = '{ID}'\n"),
            vec![],
            AuthSettings::DeviceCode { client_id: client_id() },
        ),
        (
            "method = 'access-token'\n".to_owned(),
            vec![("REINVITE_AUTH_ACCESS_TOKEN_COMMAND", r#"["az", "a b"]"#)],
            AuthSettings::AccessToken(SecretSource::Command {
                program: "az".into(),
                arguments: vec!["a b".into()],
            }),
        ),
        (
            // A method named in the environment replaces the file's, with its keys.
            format!("client_id = '{ID}'\nclient_secret_file = 'f'\n"),
            vec![("REINVITE_AUTH_METHOD", "azure-cli")],
            AuthSettings::AzureCli,
        ),
    ] {
        let loaded = load(&auth, &env).unwrap_or_else(|problems| panic!("{auth} {problems:?}"));
        assert_eq!(loaded, expected, "{auth}");
        assert!(!loaded.to_string().contains("s3cret"));
    }
}

#[test]
fn what_is_missing_is_named_and_how_to_mend_it() {
    let id = format!("client_id = '{ID}'\n");
    let workload = format!("method = 'workload-identity'\n{id}");
    let github = ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://github.example/");
    let endpoint = ("IDENTITY_ENDPOINT", "http://localhost:1/t");
    for (auth, env, expected) in [
        (
            format!("method = 'client-certificate'\n{id}"),
            vec![],
            "[auth] certificate_file is not set: write `certificate_file = \"certificate.pem\"`",
        ),
        (workload.clone(), vec![], "[auth] federated_token_file is not set"),
        (
            workload.clone(),
            vec![github, ("AZURE_FEDERATED_TOKEN_FILE", "/t")],
            "both AZURE_FEDERATED_TOKEN_FILE and ACTIONS_ID_TOKEN_REQUEST_URL are set",
        ),
        (workload.clone(), vec![github], "ACTIONS_ID_TOKEN_REQUEST_TOKEN is not set"),
        (
            format!("{workload}federation = 'github'\n"),
            vec![],
            "ACTIONS_ID_TOKEN_REQUEST_URL is not set: give the job `permissions: id-token: write`",
        ),
        (
            format!("{workload}federation = 'github'\nfederated_token_file = 't'\n"),
            vec![],
            "[auth] federated_token_file: is for federation `token-file`",
        ),
        (
            "method = 'managed-identity'\n".to_owned(),
            vec![endpoint, ("IMDS_ENDPOINT", "http://localhost:2")],
            "managed identities of Azure Arc are not supported",
        ),
        (
            "method = 'managed-identity'\n".to_owned(),
            vec![endpoint],
            "IDENTITY_ENDPOINT is set and IDENTITY_HEADER is not",
        ),
        ("method = 'device-code'\n".to_owned(), vec![], "[auth] client_id is not set"),
        (
            format!("{id}certificate_file = 'c'\n"),
            vec![],
            "[auth] method is not set: write `method = \"client-certificate\"`",
        ),
        (
            format!("{id}client_secret_command = []\n"),
            vec![],
            "[auth] client_secret_command: names no program",
        ),
    ] {
        let problem = problem(&auth, &env);
        assert!(problem.starts_with(expected), "{auth}\n{problem}\n{expected}");
    }
}

#[test]
fn the_arguments_of_a_command_are_never_shown() {
    for auth in [
        "client_secret_command = ['vault', 's3cret', 5]\n",
        "method = 'azure-cli'\nclient_secret_command = ['vault', 's3cret']\n",
    ] {
        let auth = format!("client_id = '{ID}'\n{auth}");
        let problems = load(&auth, &[]).unwrap_err();
        assert!(!problems.join("").contains("s3cret"), "{problems:?}");
    }
}
