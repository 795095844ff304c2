//! The `reinvite` program.

fn main() -> std::process::ExitCode {
    reinvite::cli::main()
}
