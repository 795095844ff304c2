//! Which file a program's name means on Windows, where it is given without its ending:
//! `az` is `az.cmd`. The system itself tries `.exe` alone.
//!
//! Leaves to others: starting it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// What the system can start; `PATHEXT` names scripts besides, which only a shell starts.
const ENDINGS: [&str; 4] = [".com", ".exe", ".bat", ".cmd"];

/// The file as the shells find it: in the directories in their order, with the endings of
/// `PATHEXT` in theirs. None where there is none, or the name needs no help.
/// The current directory is not looked into, as whoever wrote there would be started.
pub(super) fn find(
    name: &OsStr,
    directories: impl IntoIterator<Item = PathBuf>,
    path_ext: Option<&str>,
) -> Option<PathBuf> {
    let endings: Vec<String> = path_ext
        .unwrap_or(".COM;.EXE;.BAT;.CMD")
        .split(';')
        .map(|ending| ending.trim().to_ascii_lowercase())
        .filter(|ending| ENDINGS.contains(&ending.as_str()))
        .collect();
    let text = name.to_str()?.to_ascii_lowercase();
    let has_ending = ENDINGS.iter().any(|ending| text.ends_with(ending));
    let candidates = |base: PathBuf| {
        let with = |ending: &str| {
            let mut path = base.clone().into_os_string();
            path.push(ending);
            PathBuf::from(path)
        };
        if has_ending { vec![base] } else { endings.iter().map(|ending| with(ending)).collect() }
    };
    if text.contains(['/', '\\', ':']) {
        // Found by the system as it is.
        return if has_ending { None } else { first(candidates(Path::new(name).to_owned())) };
    }
    // Empty and relative entries mean the current directory, or what lies below.
    let directories = directories.into_iter().filter(|directory| directory.is_absolute());
    directories.into_iter().find_map(|directory| first(candidates(directory.join(name))))
}

fn first(candidates: Vec<PathBuf>) -> Option<PathBuf> {
    candidates.into_iter().find(|candidate| candidate.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_its_ending_is_found_as_a_shell_finds_it() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for directory in ["empty", "cli", "tools"] {
            std::fs::create_dir(at(directory)).unwrap();
        }
        // Beside the batch file lies the script of another system.
        for file in ["cli/az", "cli/az.cmd", "tools/az.exe", "tools/notify.cmd", "tools/notify.bat"]
        {
            std::fs::write(at(file), "").unwrap();
        }
        let path = || ["", "empty", "cli", "tools"].map(at).into_iter().skip(1);
        let found = |name: &str| find(OsStr::new(name), path(), None);
        assert_eq!(found("az"), Some(at("cli/az.cmd")));
        assert_eq!(found("az.exe"), Some(at("tools/az.exe")));
        assert_eq!(found("AZ.CMD").is_some(), cfg!(windows), "names differ by case elsewhere");
        assert_eq!(found("notify"), Some(at("tools/notify.bat")));
        let other_order = find(OsStr::new("notify"), path(), Some(".PY;.CMD;.EXE;.BAT"));
        assert_eq!(other_order, Some(at("tools/notify.cmd")));
        assert_eq!(found("nothing"), None);
        assert_eq!(find(OsStr::new("az"), [PathBuf::from("cli")], None), None);
        // With its directory it is looked for there alone.
        let named = at("tools/notify");
        assert_eq!(found(named.to_str().unwrap()), Some(at("tools/notify.bat")));
        assert_eq!(found(at("cli/az.cmd").to_str().unwrap()), None);
        assert_eq!(found("./az"), None);
    }
}
