//! The files that verbs read and write.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use zeroize::Zeroizing;

use super::failure::Failure;
use crate::client::Credential;
use crate::client::ccache::Ccache;
use crate::krb::keytab::Keytab;

/// Reads a file, which may hold keys.
#[expect(clippy::disallowed_methods, reason = "the command line reads the files that its arguments name")]
pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    fs::read(path).map(Zeroizing::new).map_err(|error| Failure::File { path: path.to_owned(), error })
}

pub(super) fn read_keytab(path: &Path) -> Result<Keytab, Failure> {
    Keytab::parse(&read(path)?).map_err(|error| Failure::Keytab { path: path.to_owned(), error })
}

/// The TGT of a credential cache.
pub(super) fn read_tgt(path: &Path) -> Result<Credential, Failure> {
    Ccache::parse(&read(path)?)
        .map_err(|error| Failure::Ccache { path: path.to_owned(), error })?
        .into_tgt()
        .ok_or_else(|| Failure::NoTgt(path.to_owned()))
}

/// Writes a credential cache with this one ticket.
pub(super) fn write_ccache(path: &Path, credential: Credential) -> Result<(), Failure> {
    let file = Ccache::of(credential)
        .to_bytes()
        .map_err(|error| Failure::Ccache { path: path.to_owned(), error })?;
    write(path, &file)
}

/// Writes a file that its owner alone may read, whole or not at all: a new file takes the old one's place, so
/// that neither a loose mode nor an open reader of the old one sees the keys.
pub(super) fn write(path: &Path, contents: &[u8]) -> Result<(), Failure> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", std::process::id()));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)
        .and_then(|mut file| file.write_all(contents).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&beside, path));
    written.map_err(|error| {
        // Whatever part of it is there holds keys. If it cannot be removed, the first error still says why.
        let _ = fs::remove_file(&beside);
        Failure::File { path: path.to_owned(), error }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_written_over_a_readable_one_is_its_owners_alone() {
        let path = std::env::temp_dir().join(format!("tgtx-files-{}", std::process::id()));
        fs::write(&path, b"old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        write(&path, b"new").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(*read(&path).unwrap(), b"new");
        fs::remove_file(&path).unwrap();
    }
}
