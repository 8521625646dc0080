//! The files that verbs read and write.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use zeroize::Zeroizing;

use super::failure::Failure;
use crate::client::Credential;
use crate::client::ccache::Ccache;
use crate::krb::keytab::Keytab;

/// Octets of the longest file that is read: more than a keytab of every account of a large domain. A device may have no end.
const LONGEST: usize = 64 << 20;

/// Reads a file, which may hold keys.
#[expect(clippy::disallowed_methods, reason = "the command line reads the files that its arguments name")]
pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let failed = |error| Failure::File { path: path.to_owned(), error };
    let file = fs::File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    whole(file, usize::try_from(length).unwrap_or(LONGEST), LONGEST).map_err(failed)
}

/// Reads a file, or standard input where it is `-`, which may hold keys and comes from who knows where.
#[expect(clippy::disallowed_methods, reason = "the command line reads the files that its arguments name")]
pub(super) fn read_at_most(path: &Path, longest: usize) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let failed = |error| Failure::File { path: path.to_owned(), error };
    let input: Box<dyn Read> = match path == Path::new("-") {
        true => Box::new(io::stdin().lock()),
        false => Box::new(fs::File::open(path).map_err(failed)?),
    };
    whole(input, longest, longest).map_err(failed)
}

/// Reads to the end, which is expected after so many octets.
fn whole(input: impl Read, expected: usize, longest: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    // Room for everything at once: growing would leave copies of keys behind. One octet more tells what is too long.
    let room = longest.saturating_add(1);
    let mut octets = Zeroizing::new(Vec::with_capacity(expected.saturating_add(1).min(room)));
    input.take(room.try_into().unwrap_or(u64::MAX)).read_to_end(&mut octets)?;
    match octets.len() > longest {
        true => {
            let told = format!("is longer than {longest} octets");
            Err(io::Error::new(io::ErrorKind::FileTooLarge, told))
        }
        false => Ok(octets),
    }
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
    fn what_has_no_end_is_not_read_to_it() {
        let error = read(Path::new("/dev/zero")).unwrap_err().to_string();
        assert_eq!(error, "/dev/zero: is longer than 67108864 octets");
        assert!(read_at_most(Path::new("/dev/zero"), 3).is_err());
        assert_eq!(*read(Path::new("/dev/null")).unwrap(), b"");
    }

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
