//! Where audit events go: the journal, standard error, or a file.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use nix::libc::{O_NOFOLLOW, O_NONBLOCK};
use tracing::warn;

use super::encoder::{Encoder, Form};
use crate::config::{self, AuditSink};
use crate::shell::files::static_faults::StaticFault;

/// Where the journal listens (systemd, "Native Journal Protocol").
const JOURNAL: &str = "/run/systemd/journal/socket";

/// The mode of a file that we make: nobody but its owner and group is to read who signs in when.
const FILE_MODE: u32 = 0o640;

/// An open sink.
#[derive(Debug)]
pub struct Sink(Kind);

#[derive(Debug)]
enum Kind {
    Journal { path: PathBuf, socket: UnixDatagram },
    Stderr,
    File { path: PathBuf, file: File },
}

impl Sink {
    /// Opens what is configured. Where there is no journal, standard error takes its place, and the log says so.
    ///
    /// # Errors
    /// [`StaticFault`] where a file cannot be opened.
    pub fn open(settings: &config::Audit) -> Result<Self, StaticFault> {
        Ok(match &settings.sink {
            AuditSink::Stderr => Self::stderr(),
            AuditSink::File(path) => {
                Self::file(path).map_err(|error| StaticFault::Audit { path: path.clone(), error })?
            }
            AuditSink::Journald => Self::journal(Path::new(JOURNAL)).unwrap_or_else(|error| {
                warn!("no journal at {JOURNAL}: {error}; audit events go to standard error");
                Self::stderr()
            }),
        })
    }

    /// Standard error.
    pub(super) const fn stderr() -> Self {
        Self(Kind::Stderr)
    }

    /// The journal behind the socket with this path.
    pub(super) fn journal(path: &Path) -> io::Result<Self> {
        Ok(Self(Kind::Journal { path: path.to_owned(), socket: connect(path)? }))
    }

    /// The end of a file, which is made where it is missing.
    pub(super) fn file(path: &Path) -> io::Result<Self> {
        Ok(Self(Kind::File { path: path.to_owned(), file: open(path)? }))
    }

    /// The form it takes events in.
    pub(super) const fn form(&self) -> Form {
        match &self.0 {
            Kind::Journal { .. } => Form::Journal,
            Kind::Stderr | Kind::File { .. } => Form::Json,
        }
    }

    /// Whether it is the journal, whose socket is another one whenever it is started anew.
    pub(super) const fn is_journal(&self) -> bool {
        matches!(self.0, Kind::Journal { .. })
    }

    /// What it is called in the operational log.
    pub(super) fn name(&self) -> String {
        match &self.0 {
            Kind::Journal { path, .. } | Kind::File { path, .. } => path.display().to_string(),
            Kind::Stderr => "standard error".to_owned(),
        }
    }

    /// Opens what is at its path by now; where that fails, nothing changes.
    pub(super) fn reopen(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Kind::Journal { path, socket } => *socket = connect(path)?,
            Kind::File { path, file } => *file = open(path)?,
            Kind::Stderr => {}
        }
        Ok(())
    }

    /// Writes out what lies behind the first `done` octets, and moves `done` on as far as it comes: the journal gets
    /// each event by itself, the others get all in one call.
    pub(super) fn write(&mut self, events: &Encoder, done: &mut usize) -> io::Result<()> {
        match &mut self.0 {
            Kind::Journal { socket, .. } => {
                for end in events.ends().iter().copied().filter(|end| end > done).collect::<Vec<_>>() {
                    socket.send(events.octets().get(*done..end).unwrap_or_default())?;
                    *done = end;
                }
                Ok(())
            }
            // Locked as a whole, so that no line of the operational log comes in between.
            Kind::Stderr => write_on(&mut io::stderr().lock(), events.octets(), done),
            Kind::File { file, .. } => write_on(file, events.octets(), done),
        }
    }
}

fn write_on(sink: &mut impl Write, octets: &[u8], done: &mut usize) -> io::Result<()> {
    while let Some(rest) = octets.get(*done..).filter(|rest| !rest.is_empty()) {
        match sink.write(rest) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => *done = done.saturating_add(written),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn connect(path: &Path) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.connect(path)?;
    Ok(socket)
}

/// Never through a link, which others might have laid, and only to what takes what it is given: a pipe without a reader
/// would keep the daemon from starting.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).mode(FILE_MODE).custom_flags(O_NOFOLLOW | O_NONBLOCK);
    match options.clone().create_new(true).open(path) {
        Ok(file) => {
            // Whatever the umask is: a group that may read it was meant to.
            file.set_permissions(Permissions::from_mode(FILE_MODE))?;
            Ok(file)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let file = options.open(path)?;
            let kind = file.metadata()?.file_type();
            if kind.is_file() || kind.is_char_device() {
                Ok(file)
            } else {
                Err(io::Error::new(ErrorKind::InvalidInput, "not a regular file"))
            }
        }
        Err(error) => Err(error),
    }
}
