//! Paths and programs as people write them on Windows: backslashes that pass for escapes,
//! and scripts that Windows does not start by themselves.
//!
//! Leaves to others: whether there is such a file.

use std::path::Path;

use super::value::Fault;

/// In double quotes a backslash begins an escape.
pub(super) const IN_SINGLE_QUOTES: &str = r"write paths in single quotes: 'C:\secrets\reinvite'";

/// Why a path can't be meant: one with a control character is a path of Windows whose `\t`
/// or `\n` passed for an escape, and names another file.
pub(super) fn misread(path: &str) -> Option<Fault> {
    let c = path.chars().find(|c| c.is_control())?;
    let what = match c {
        '\t' => r"a tab, as `\t` in double quotes is one",
        '\n' => r"a line end, as `\n` in double quotes is one",
        '\r' => r"a carriage return, as `\r` in double quotes is one",
        '\u{8}' => r"a backspace, as `\b` in double quotes is one",
        '\u{c}' => r"a form feed, as `\f` in double quotes is one",
        '\u{1b}' => r"an escape character, as `\e` in double quotes is one",
        _ => {
            let message = format!("holds the control character U+{:04X}", u32::from(c));
            return Some(Fault::new(message).with_hint(IN_SINGLE_QUOTES));
        }
    };
    Some(Fault::new(format!("holds {what}")).with_hint(IN_SINGLE_QUOTES))
}

/// The same of the arguments of a program, which may be any text: only what begins like a
/// path of Windows is one.
pub(super) fn misread_argument(argument: &str) -> Option<Fault> {
    let has_drive = matches!(argument.as_bytes(), [drive, b':', ..] if drive.is_ascii_alphabetic());
    misread(argument).filter(|_| has_drive)
}

/// Why Windows won't start a program by its name: it starts no script but those of
/// `cmd.exe`, whatever a shell does with them.
pub(super) fn unstartable(program: &str) -> Option<Fault> {
    if cfg!(windows) { needs_another(program) } else { None }
}

fn needs_another(program: &str) -> Option<Fault> {
    let ending = Path::new(program).extension()?.to_str()?.to_ascii_lowercase();
    let before = match ending.as_str() {
        "ps1" => r#""powershell", "-NoProfile", "-File""#,
        "py" => r#""py""#,
        "vbs" | "js" | "wsf" => r#""cscript", "//nologo""#,
        "sh" => r#""bash""#,
        "pl" => r#""perl""#,
        "rb" => r#""ruby""#,
        _ => return None,
    };
    let fault = Fault::new(format!("names a `.{ending}`, which Windows starts by another program"));
    Some(fault.with_hint(format!("write [{before}, '{program}', …]")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backslash_that_passed_for_an_escape_is_told_by_its_letter() {
        for (path, told) in [
            ("C:\tools", r"holds a tab, as `\t` in double quotes is one"),
            ("C:\new", r"holds a line end, as `\n` in double quotes is one"),
            ("C:\reinvite", r"holds a carriage return, as `\r` in double quotes is one"),
            ("C:\u{8}in", r"holds a backspace, as `\b` in double quotes is one"),
            ("C:\u{c}iles", r"holds a form feed, as `\f` in double quotes is one"),
            ("C:\u{1b}ntra", r"holds an escape character, as `\e` in double quotes is one"),
            ("C:\u{7f}", "holds the control character U+007F"),
        ] {
            let fault = misread(path).unwrap();
            assert_eq!(fault.message, told);
            assert_eq!(fault.hint.as_deref(), Some(IN_SINGLE_QUOTES));
            assert_eq!(misread_argument(path), Some(fault));
        }
        assert_eq!(misread(r"C:\tools\neu für uns"), None);
        assert_eq!(misread_argument("echo 1\necho 2"), None);
    }

    #[test]
    fn a_script_is_named_with_what_starts_it() {
        let fault = needs_another(r"C:\tools\hook.PS1").unwrap();
        assert_eq!(fault.message, "names a `.ps1`, which Windows starts by another program");
        let hint = r#"write ["powershell", "-NoProfile", "-File", 'C:\tools\hook.PS1', …]"#;
        assert_eq!(fault.hint.as_deref(), Some(hint));
        for program in ["az", "az.cmd", "notify.exe", "tool.bat", "python3.12"] {
            assert_eq!(needs_another(program), None);
        }
    }
}
