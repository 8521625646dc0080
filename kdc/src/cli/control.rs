//! The command line's side of the control socket.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use super::failure::Failure;
use crate::shell::control::{Answer, Request};
use crate::shell::files::config_file;

/// A reload waits for directories that are new; all else is answered at once.
const PATIENCE: Duration = Duration::from_secs(60);

/// Octets of the longest answer: a status with thousands of keys.
const LONGEST_ANSWER: u64 = 4 << 20;

/// Which daemon is meant.
#[derive(Debug, clap::Args)]
pub(super) struct Daemon {
    /// The configuration of the daemon, which names its socket
    #[arg(long, value_name = "FILE", default_value = super::CONFIG, env = super::CONFIG_VARIABLE, hide_env_values = true)]
    config: PathBuf,
    /// The socket itself, whatever the configuration says
    #[arg(long, value_name = "SOCKET")]
    socket: Option<PathBuf>,
}

impl Daemon {
    /// Asks it.
    pub(super) fn ask(&self, request: &Request) -> Result<Answer, Failure> {
        let path = self.path()?;
        let exchange = || {
            let mut stream = UnixStream::connect(&path)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            let mut line = serde_json::to_vec(request)?;
            line.push(b'\n');
            stream.write_all(&line)?;
            let mut answer = Vec::new();
            stream.take(LONGEST_ANSWER).read_to_end(&mut answer)?;
            Ok(answer)
        };
        let answer = exchange().map_err(|error| Failure::Control { path: path.clone(), error })?;
        match serde_json::from_slice(&answer) {
            Ok(Answer::Error(reply)) => Err(Failure::ControlAnswer { path, reply }),
            Ok(answer) => Ok(answer),
            // It closes without a word on whom it does not admit.
            Err(_) if answer.is_empty() => {
                let error = std::io::ErrorKind::PermissionDenied.into();
                Err(Failure::Control { path, error })
            }
            Err(error) => Err(Failure::ControlAnswer { path, reply: error.to_string() }),
        }
    }

    /// What it answered is not what it was asked.
    pub(super) fn misunderstood(&self) -> Failure {
        let path = self.socket.clone().unwrap_or_else(|| self.config.clone());
        Failure::ControlAnswer { path, reply: "an answer to something else".to_owned() }
    }

    fn path(&self) -> Result<PathBuf, Failure> {
        if let Some(socket) = &self.socket {
            return Ok(socket.clone());
        }
        config_file::control(&self.config).socket.ok_or(Failure::NoControl)
    }
}
