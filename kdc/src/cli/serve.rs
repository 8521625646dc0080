//! `tgtx serve`: the daemon.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};

use super::failure::Failure;
use crate::shell::daemon::{Daemon, StartError};
use crate::shell::files::domain_files::DomainFiles;
use crate::shell::listen::passed::PassedSockets;
use crate::shell::{hardening, observe::http, observe::logging, observe::panics, service_manager};

/// Runs the daemon in the foreground until SIGTERM or SIGINT. SIGHUP reloads configuration, keys, certificates and
/// directory, SIGUSR1 opens the file of audit events anew.
///
/// Exits with 78, before any socket is opened, where the configuration or a file it names is at fault.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tgtx serve --config /etc/tgtx/tgtx.toml")]
pub(super) struct Arguments {
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = super::CONFIG, env = super::CONFIG_VARIABLE, hide_env_values = true)]
    config: PathBuf,
}

/// For what is still under way when the daemon has stopped.
const LAST_MOMENT: Duration = Duration::from_secs(1);

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let config = super::config(&arguments.config)?;
    let hardened = hardening::forbid_core_dumps();
    // Before there is a second thread, because it changes the environment.
    let passed = PassedSockets::take().map_err(StartError::from)?;
    let files = config.domains.iter().map(DomainFiles::read).collect::<Result<Vec<_>, _>>();
    let files = files.map_err(StartError::from)?;
    let process = |error: &dyn std::fmt::Display| Failure::Process(error.to_string());
    let _log = logging::start(&config.log).map_err(|error| process(&error))?;
    if let Err(error) = hardened {
        warn!(%error, "core dumps cannot be forbidden: keys may end in one");
    }
    if let Err(error) = hardening::raise_descriptor_limit() {
        warn!(%error, "the number of open files cannot be raised");
    }
    let recorder = http::install_recorder().map_err(|error| process(&error))?;
    panics::watch();
    let runtime = super::runtime(Builder::new_multi_thread())?;
    let ended = runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).map_err(Failure::Runtime)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::Runtime)?;
        let mut hangup = signal(SignalKind::hangup()).map_err(Failure::Runtime)?;
        let mut user1 = signal(SignalKind::user_defined1()).map_err(Failure::Runtime)?;
        let mut daemon = Daemon::start(&config, files, passed, recorder).await?;
        service_manager::ready();
        let drain = daemon.drain();
        loop {
            tokio::select! {
                _ = hangup.recv() => daemon.reload(),
                _ = user1.recv() => daemon.reopen_audit(),
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                () = drain.ended() => break,
                () = daemon.failed() => {
                    return Err(Failure::Process("a part of the daemon has ended; the log says why".to_owned()));
                }
            }
        }
        service_manager::stopping();
        info!("stopping");
        daemon.stop().await;
        Ok(ExitCode::SUCCESS)
    });
    // Resolving a server's name occupies a thread that nothing interrupts, and dropping the runtime would wait for it.
    runtime.shutdown_timeout(LAST_MOMENT);
    ended
}
