//! `tgtx serve`: the daemon.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};

use super::failure::Failure;
use crate::shell::daemon::{Daemon, StartError};
use crate::shell::files::domain_files::DomainFiles;
use crate::shell::{files::config_file, hardening, observe::http, observe::logging, observe::panics};

/// Runs the daemon in the foreground until SIGTERM or SIGINT. SIGHUP reads the directory and the users' keys again.
///
/// Exits with 78, before any socket is opened, where the configuration or a file it names is at fault.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = super::CONFIG)]
    config: PathBuf,
}

/// For what is still under way when the daemon has stopped.
const LAST_MOMENT: Duration = Duration::from_secs(1);

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let hardened = hardening::forbid_core_dumps();
    let config = config_file::load(&arguments.config)?;
    let files = config.domains.iter().map(DomainFiles::read).collect::<Result<Vec<_>, _>>();
    let files = files.map_err(StartError::from)?;
    let process = |error: &dyn std::fmt::Display| Failure::Process(error.to_string());
    logging::start(&config.log).map_err(|error| process(&error))?;
    if let Err(error) = hardened {
        warn!(%error, "core dumps cannot be forbidden: keys may end in one");
    }
    if let Err(error) = hardening::raise_descriptor_limit() {
        warn!(%error, "the number of open files cannot be raised");
    }
    let recorder = http::install_recorder().map_err(|error| process(&error))?;
    panics::watch();
    let runtime = runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::Runtime)?;
    let ended = runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).map_err(Failure::Runtime)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::Runtime)?;
        let mut hangup = signal(SignalKind::hangup()).map_err(Failure::Runtime)?;
        let mut daemon = Daemon::start(&config, files, recorder).await?;
        loop {
            tokio::select! {
                _ = hangup.recv() => daemon.read_again(),
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                () = daemon.failed() => {
                    return Err(Failure::Process("a part of the daemon has ended; the log says why".to_owned()));
                }
            }
        }
        info!("stopping");
        daemon.stop().await;
        Ok(ExitCode::SUCCESS)
    });
    // Resolving a server's name occupies a thread that nothing interrupts, and dropping the runtime would wait for it.
    runtime.shutdown_timeout(LAST_MOMENT);
    ended
}
