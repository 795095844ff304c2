//! What the file's parser says about files that are not as they should be.

use proptest::prelude::*;

use super::*;

fn problems(text: &str) -> Vec<Problem> {
    let mut problems = match File::parse(Path::new("reinvite.toml"), text.as_bytes()) {
        Ok((_, problems)) => problems,
        Err(problem) => vec![problem],
    };
    problems.sort_by_key(Problem::order);
    problems
}

#[test]
fn a_wrong_key_is_named_with_its_place_and_the_nearest_right_one() {
    for (text, shown, hint) in [
        (
            "[pace]\nwrites_per_secnd = 2\n",
            "reinvite.toml:2:1: [pace] has no key `writes_per_secnd`\n\
             2 | writes_per_secnd …\n  | ^^^^^^^^^^^^^^^^",
            "did you mean `writes_per_second`?",
        ),
        (
            "[tennant]\nid = \"x\"\n",
            "reinvite.toml:1:2: there is no section [tennant]\n1 | [tennant …\n  |  ^^^^^^^",
            "did you mean [tenant]?",
        ),
        (
            "[guards]\nsettle = \"5s\"\n",
            "reinvite.toml:2:1: [guards] has no key `settle`\n2 | settle …\n  | ^^^^^^",
            "`settle` belongs under [pace]",
        ),
        (
            "settle = \"5s\"\n",
            "reinvite.toml:1:1: `settle` stands outside a section\n1 | settle …\n  | ^^^^^^",
            "write `settle` under [pace]",
        ),
        (
            "[mail]\nzzz = 1\n",
            "reinvite.toml:2:1: [mail] has no key `zzz`\n2 | zzz …\n  | ^^^",
            "the keys of [mail] are `write`",
        ),
        (
            "pace = 4\n",
            "reinvite.toml:1:1: `pace` is a section, not a key\n1 | pace …\n  | ^^^^",
            "write [pace] and its keys below it",
        ),
        (
            "[auth]\nclient_secret_fil = \"x\"\n",
            "reinvite.toml:2:1: [auth] has no key `client_secret_fil`\n\
             2 | client_secret_fil …\n  | ^^^^^^^^^^^^^^^^^",
            "did you mean `client_secret_file`?",
        ),
    ] {
        let problems = problems(text);
        assert_eq!(problems.len(), 1, "{text}");
        assert_eq!(problems[0].to_string(), shown);
        assert_eq!(problems[0].hint.as_deref(), Some(hint));
    }
}

#[test]
fn every_wrong_key_is_reported_in_the_order_of_the_file() {
    let text = "[pace]\nburts = 1\n[tenant]\nidd = \"x\"\n[zzz]\n[pace.settle]\n";
    let places: Vec<_> = problems(text).iter().map(Problem::order).collect();
    assert_eq!(places, [(0, 2, 1), (0, 4, 1), (0, 5, 2)]);
}

#[test]
fn broken_toml_is_named_with_its_place() {
    for (text, place) in [
        ("[tenant]\nid = \n", "reinvite.toml:2:"),
        ("[tenant]\nid = \"a\"\nid = \"b\"\n", "reinvite.toml:3:1: not valid TOML: duplicate key"),
        ("[tenant\n", "reinvite.toml:1:8: "),
        ("[pace]\n\nsettle = 15s\n", "reinvite.toml:3:"),
    ] {
        let problems = problems(text);
        assert_eq!(problems.len(), 1, "{text}");
        assert!(problems[0].to_string().starts_with(place), "{}", problems[0]);
    }
}

#[test]
fn a_path_of_windows_in_double_quotes_is_told_how_to_be_written() {
    for path in [r"C:\stop", r"C:\Users\it\stop", r"C:\users\stop", r"C:\stop\", r"\\server\x"] {
        let path = problems(&format!("[guards]\ncanary = 1\nstop_file = \"{path}\"\n"));
        assert!(path[0].to_string().starts_with("reinvite.toml:3:"), "{path:?}");
        assert!(path[0].hint.as_ref().unwrap().contains("single quotes"), "{path:?}");
    }
    assert_eq!(problems("[guards]\ncanary = 'a\n")[0].hint, None);
}

#[test]
fn a_secret_given_as_a_value_is_refused_and_never_shown() {
    for text in [
        "[auth]\nclient_secret = \"hidden\"\n",
        "[auth]\nclient-secret = \"hidden\"\n",
        "[auth]\naccess_token = \"hidden\"\n",
        "[auth]\naccess_token = \"hidden\n",
        "[auth]\nclient_secret = hidden\n",
        "[auth]\nclient_secret \"hidden\"\n",
        "[auth]\nsecret = { value = \"hidden\" }\n",
        "[auth]\npassword = \"hidden\"\n",
        "auth = { client_secret = \"hidden\" }\n",
        "auth = \"hidden\"\n",
        "auth.client_secret = \"hidden\"\n",
        "client_secret = \"hidden\"\n",
        "[auth]\nclient_secret = \"\"\"\nhidden\\q\n\"\"\"\n",
        "[client_secret]\nvalue = \"hidden\"\n",
    ] {
        let problems = problems(text);
        assert!(!problems.is_empty(), "{text}");
        assert!(!format!("{problems:?}").contains("hidden"), "{text}: {problems:?}");
    }
    let refused = &problems("[auth]\nclient_secret = \"hidden\"\n")[0];
    assert_eq!(refused.message, "`client_secret`: secrets are never values in the configuration");
    assert!(refused.hint.as_ref().unwrap().contains("client_secret_file"));
}

#[test]
fn a_byte_order_mark_is_tolerated_and_other_encodings_are_refused() {
    let path = Path::new("reinvite.toml");
    let (file, problems) = File::parse(path, b"\xef\xbb\xbf[tenant]\nid = \"x\"\n").unwrap();
    assert_eq!(problems, []);
    assert_eq!(file.get(key::TENANT_ID).unwrap(), &Value::Text("x".into()));
    let problem = File::parse(path, b"[tenant]\nid = \"\xe9\"\n").unwrap_err();
    assert!(problem.to_string().starts_with("reinvite.toml:2:7: the file is not UTF-8"));
}

#[test]
fn a_missing_file_is_an_error_only_when_it_was_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("reinvite.toml");
    assert!(File::read(&path, false).is_ok());
    let error = File::read(&path, true).unwrap_err();
    assert!(matches!(&error, ConfigError::Missing(missing) if *missing == path), "{error}");
    let error = File::read(directory.path(), false).unwrap_err();
    assert!(matches!(error, ConfigError::Unreadable { .. }), "{error}");
}

#[test]
fn paths_in_the_file_start_from_its_directory() {
    for (file, path, expected) in [
        ("reinvite.toml", "secret", "secret"),
        ("/etc/reinvite/reinvite.toml", "secret", "/etc/reinvite/secret"),
        ("/etc/reinvite/reinvite.toml", "/run/secret", "/run/secret"),
    ] {
        let (file, _) = File::parse(Path::new(file), b"").unwrap();
        assert_eq!(file.resolve(path), Path::new(expected));
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        match File::parse(Path::new("x"), &bytes) {
            Ok((_, problems)) => drop(format!("{problems:?}")),
            Err(problem) => drop(problem.to_string()),
        }
    }

    #[test]
    fn arbitrary_text_of_tomls_own_pieces_never_panics(
        pieces in proptest::collection::vec(
            prop_oneof![
                Just("[auth]"), Just("[pace]"), Just("[["), Just("]]"), Just("settle"),
                Just("client_secret"), Just(" = "), Just("\""), Just("\"\"\""), Just("'"),
                Just("\n"), Just("\r\n"), Just("{"), Just("}"), Just(","), Just("."), Just("1e999"),
                Just("99999999999999999999"), Just("é"), Just("\u{feff}"), Just("\t"), Just("\\u"),
                Just("1979-05-27"), Just("true"), Just("#"),
            ],
            0..40,
        )
    ) {
        for problem in problems(&pieces.concat()) {
            let _ = problem.to_string();
        }
    }
}
