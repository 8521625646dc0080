//! `tgtx completions`: what a shell needs to complete the verbs and options.

use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;

use super::failure::Failure;
use super::print;

/// Print the completions for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The Debian package installs them.

Examples:
  tgtx completions bash > /etc/bash_completion.d/tgtx
  tgtx completions zsh > /usr/local/share/zsh/site-functions/_tgtx
  tgtx completions fish > ~/.config/fish/completions/tgtx.fish")]
pub(super) struct Arguments {
    /// The shell
    shell: Shell,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    print(&script(arguments.shell))?;
    Ok(ExitCode::SUCCESS)
}

fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut super::Arguments::command(), "tgtx", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    #[test]
    fn every_shell_learns_every_verb() {
        for shell in Shell::value_variants() {
            let script = script(*shell);
            for verb in super::super::Arguments::command().get_subcommands() {
                assert!(script.contains(verb.get_name()), "{shell} does not know {}", verb.get_name());
            }
        }
    }
}
