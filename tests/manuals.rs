//! `cargo run --example manuals`: writes the man pages and the completions for shells into `target/manuals`, where
//! `cargo deb` takes them from.

use std::fs;
use std::io;
use std::path::Path;

use clap_complete::Shell;
use pilotlight::cli::command;

fn main() -> io::Result<()> {
    let folder = Path::new("target/manuals");
    fs::create_dir_all(folder)?;
    clap_mangen::generate_to(command(), folder)?;
    for shell in [Shell::Bash, Shell::Fish, Shell::Zsh] {
        clap_complete::generate_to(shell, &mut command(), "pilotlight", folder)?;
    }
    Ok(())
}
