//! The socket itself: where it lies and whose it is.

use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, chown};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use nix::unistd::{Gid, Group, Uid, User, getegid, geteuid};
use tokio::net::unix::UCred;
use tracing::warn;

use crate::config::Control;

/// Root, the daemon's user and the service group, nobody else.
const MODE: u32 = 0o660;

/// A bound socket; dropping it removes its file.
#[derive(Debug)]
pub struct ControlSocket {
    listener: tokio::net::UnixListener,
    path: PathBuf,
    inode: u64,
    group: Option<Gid>,
}

/// Why there is no socket. `Display` is one line with the mend.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// The kernel says why.
    #[error("{}: {error}; create its directory for the daemon's user (RuntimeDirectory=tgtx), or set [control] socket", path.display())]
    Io {
        /// Where it was to be.
        path: PathBuf,
        /// What the kernel says.
        error: io::Error,
    },
    /// Another process answers there.
    #[error("{}: another process listens there; stop it, or give each daemon a [control] socket of its own", .0.display())]
    Taken(PathBuf),
    /// What lies there is no socket.
    #[error("{}: is no socket; remove it, or set [control] socket", .0.display())]
    NoSocket(PathBuf),
}

impl ControlSocket {
    /// Binds what is configured, `None` where nothing is. The file of a daemon that is gone is replaced. Must be called
    /// within a tokio runtime.
    ///
    /// # Errors
    /// [`SocketError`]
    pub fn bind(settings: &Control) -> Result<Option<Self>, SocketError> {
        let Some(path) = settings.socket.clone() else { return Ok(None) };
        let group = match settings.group.as_str() {
            "" => None,
            name => {
                let found = Group::from_name(name).ok().flatten();
                if found.is_none() {
                    warn!(
                        "[control] group {name:?} is no group of this host: the socket is root's and the daemon's alone"
                    );
                }
                found.map(|group| group.gid)
            }
        };
        let failed = |error| SocketError::Io { path: path.clone(), error };
        match std::fs::symlink_metadata(&path) {
            Ok(found) if !found.file_type().is_socket() => return Err(SocketError::NoSocket(path)),
            Ok(_) if UnixStream::connect(&path).is_ok() => return Err(SocketError::Taken(path)),
            _ => {}
        }
        // Beside its place first: it appears there only once nobody else may connect.
        let mut beside = path.clone().into_os_string();
        beside.push(".new");
        let beside = PathBuf::from(beside);
        let bound = bind_beside(&beside, &path, group);
        if bound.is_err() {
            let _ = std::fs::remove_file(&beside);
        }
        let (listener, inode) = bound.map_err(failed)?;
        Ok(Some(Self { listener, path, inode, group }))
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn listener(&self) -> &tokio::net::UnixListener {
        &self.listener
    }

    /// Whether this peer may ask. The file's mode says the same; this holds wherever the socket is reached from.
    pub(super) fn admits(&self, peer: UCred) -> bool {
        peer.uid() == 0
            || peer.uid() == geteuid().as_raw()
            || self.group.is_some_and(|group| peer.gid() == group.as_raw() || is_member(peer.uid(), group))
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        // Another daemon may have put its own there.
        if std::fs::symlink_metadata(&self.path).is_ok_and(|found| found.ino() == self.inode) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn bind_beside(
    beside: &Path,
    path: &Path,
    group: Option<Gid>,
) -> io::Result<(tokio::net::UnixListener, u64)> {
    let _ = std::fs::remove_file(beside);
    let listener = UnixListener::bind(beside)?;
    listener.set_nonblocking(true)?;
    if let Some(group) = group.filter(|group| *group != getegid()) {
        chown(beside, None, Some(group.as_raw()))?;
    }
    let mode = if group.is_some() { MODE } else { MODE & 0o700 };
    std::fs::set_permissions(beside, PermissionsExt::from_mode(mode))?;
    let inode = std::fs::symlink_metadata(beside)?.ino();
    let listener = tokio::net::UnixListener::from_std(listener)?;
    std::fs::rename(beside, path)?;
    Ok((listener, inode))
}

/// Whether the group is one that the user has beside its own.
fn is_member(user: u32, group: Gid) -> bool {
    let user = User::from_uid(Uid::from_raw(user)).ok().flatten();
    let group = Group::from_gid(group).ok().flatten();
    user.zip(group).is_some_and(|(user, group)| group.mem.contains(&user.name))
}
