//! Reads the files that the configuration names. A file with a secret is read only if nobody but root and the
//! daemon's user could have read or replaced it; messages name its path, never its content.

pub mod config_file;
pub mod domain_files;
pub mod static_faults;
pub mod user_keys;

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;
use zeroize::Zeroizing;

use crate::config::SecretFile;

/// The largest secret file that is read: keytabs and passwords are far smaller.
const LARGEST_SECRET: u64 = 1 << 20;

/// The largest keytab of user keys that is read: those of 250,000 users with three keys each.
const LARGEST_USER_KEYTAB: u64 = 64 << 20;

/// The largest other file that is read: an LDIF export of a whole lab.
const LARGEST_PUBLIC: u64 = 1 << 30;

/// A file that cannot be used. `Display` is one line: path, what is wrong, and the mend.
#[derive(Debug, thiserror::Error)]
#[error("{}: {fault}", path.display())]
pub struct FileError {
    path: PathBuf,
    fault: FileFault,
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
enum FileFault {
    #[error("does not exist; create it or correct the path")]
    Missing,
    #[error("cannot be read: {0}; let the daemon's user read it")]
    Unreadable(io::Error),
    #[error("is not a regular file; name a file")]
    NotAFile,
    #[error("is empty; write its content anew")]
    Empty,
    #[error("is not UTF-8 text; save it as UTF-8")]
    NotText,
    #[error("is larger than {0} octets; name the right file")]
    TooLarge(u64),
    #[error("may be read or written by group or others (mode {0:04o}); chmod 600 it")]
    Permissions(u32),
    #[error("belongs to user {owner}, neither root nor the daemon's user {daemon}; chown it")]
    Owner { owner: u32, daemon: u32 },
    #[error("lies in {}, which everyone may write to without the sticky bit; move it or chmod o-w the directory", .0.display())]
    OpenDirectory(PathBuf),
}

impl FileError {
    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Reads a secret after checking that it was one: owner root or the daemon's user, nothing for group and others,
/// no directory on its resolved path in which others could have put it, not empty.
///
/// # Errors
/// [`FileError`] says which rule is broken.
pub fn read_secret(file: &SecretFile) -> Result<Zeroizing<Vec<u8>>, FileError> {
    read_secret_of(file, LARGEST_SECRET)
}

/// Reads a keytab of user keys: a secret that is as large as the domain.
///
/// # Errors
/// As [`read_secret`].
pub fn read_user_keytab(file: &SecretFile) -> Result<Zeroizing<Vec<u8>>, FileError> {
    read_secret_of(file, LARGEST_USER_KEYTAB)
}

fn read_secret_of(file: &SecretFile, largest: u64) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let at = |fault| FileError { path: file.path().to_owned(), fault };
    let path = file.path().canonicalize().map_err(|error| at(FileFault::of(error)))?;
    let (opened, metadata) = open(&path).map_err(at)?;
    // systemd lends a credential to the unit's user by an access control list, whose mask shows as group bits;
    // its directory is open to that user alone.
    let forbidden = match file {
        SecretFile::Path(_) => 0o077,
        SecretFile::Credential(_) => 0o007,
    };
    if metadata.mode() & forbidden != 0 {
        return Err(at(FileFault::Permissions(metadata.mode() & 0o7777)));
    }
    let daemon = geteuid().as_raw();
    if metadata.uid() != 0 && metadata.uid() != daemon {
        return Err(at(FileFault::Owner { owner: metadata.uid(), daemon }));
    }
    for directory in path.ancestors().skip(1) {
        let mode = std::fs::metadata(directory).map_err(|error| at(FileFault::Unreadable(error)))?.mode();
        if mode & 0o002 != 0 && mode & 0o1000 == 0 {
            return Err(at(FileFault::OpenDirectory(directory.to_owned())));
        }
    }
    read_bounded(opened, &metadata, largest).map_err(at)
}

/// Reads a password: a secret in UTF-8 (RFC 4511 §4.2.1), without the line end that editors leave.
///
/// # Errors
/// As [`read_secret`]; a file with nothing but line ends is empty.
pub fn read_password(file: &SecretFile) -> Result<Zeroizing<String>, FileError> {
    let at = |fault| FileError { path: file.path().to_owned(), fault };
    let octets = read_secret(file)?;
    let text = std::str::from_utf8(&octets).map_err(|_| at(FileFault::NotText))?;
    let password = text.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(at(FileFault::Empty));
    }
    Ok(Zeroizing::new(password.to_owned()))
}

/// Reads a file that is no secret, such as certificates to trust or an LDIF file.
///
/// # Errors
/// [`FileError`] where it is missing, unreadable or empty.
pub fn read_public(path: &Path) -> Result<Vec<u8>, FileError> {
    let at = |fault| FileError { path: path.to_owned(), fault };
    let (opened, metadata) = open(path).map_err(at)?;
    let mut content = read_bounded(opened, &metadata, LARGEST_PUBLIC).map_err(at)?;
    Ok(std::mem::take(&mut *content))
}

/// Tells two states of a file apart without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileVersion {
    inode: u64,
    length: u64,
    changed: (i64, i64),
}

impl FileVersion {
    /// The file as it is now; `None` where it cannot be looked at.
    #[must_use]
    pub fn of(file: &SecretFile) -> Option<Self> {
        let metadata = std::fs::metadata(file.path()).ok()?;
        Some(Self {
            inode: metadata.ino(),
            length: metadata.len(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }
}

/// Opens a regular file; what is learned of it is learned of the open file, not of its name.
fn open(path: &Path) -> Result<(File, Metadata), FileFault> {
    // Looked at first, because opening a pipe would wait for a writer.
    if !std::fs::metadata(path).map_err(FileFault::of)?.is_file() {
        return Err(FileFault::NotAFile);
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "the shell's one place that reads the files a configuration names"
    )]
    let file = File::open(path).map_err(FileFault::of)?;
    let metadata = file.metadata().map_err(FileFault::Unreadable)?;
    if !metadata.is_file() {
        return Err(FileFault::NotAFile);
    }
    Ok((file, metadata))
}

fn read_bounded(file: File, metadata: &Metadata, largest: u64) -> Result<Zeroizing<Vec<u8>>, FileFault> {
    if metadata.len() > largest {
        return Err(FileFault::TooLarge(largest));
    }
    // Room for all of it at once: a vector that grows would leave copies of a secret behind.
    let room = usize::try_from(metadata.len()).unwrap_or_default().saturating_add(1);
    let mut content = Zeroizing::new(Vec::with_capacity(room));
    file.take(metadata.len()).read_to_end(&mut content).map_err(FileFault::Unreadable)?;
    if content.is_empty() {
        return Err(FileFault::Empty);
    }
    Ok(content)
}

impl FileFault {
    fn of(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Missing,
            _ => Self::Unreadable(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    /// A directory of this test's own, removed at its end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("tgtx-files-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn file(&self, content: &[u8], mode: u32) -> PathBuf {
            let path = self.0.join("secret");
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            path
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn fault(path: &Path) -> String {
        let told = read_secret(&SecretFile::Path(path.to_owned())).unwrap_err().to_string();
        assert!(told.starts_with(&format!("{}: ", path.display())), "{told}");
        assert!(!told.contains("key bytes"), "{told}");
        told
    }

    #[test]
    fn reads_a_file_that_only_its_owner_can_read() {
        let folder = Folder::new("good");
        let path = folder.file(b"key bytes", 0o600);
        assert_eq!(&**read_secret(&SecretFile::Path(path)).unwrap(), b"key bytes");
    }

    #[test]
    fn refuses_a_file_that_group_or_others_can_reach() {
        let folder = Folder::new("mode");
        for mode in [0o640, 0o604, 0o620, 0o602, 0o644] {
            let told = fault(&folder.file(b"key bytes", mode));
            assert!(told.contains(&format!("(mode {mode:04o}); chmod 600 it")), "{told}");
        }
    }

    #[test]
    fn a_credential_may_show_the_mask_of_its_access_list() {
        let folder = Folder::new("credential");
        let path = folder.file(b"key bytes", 0o440);
        assert!(read_secret(&SecretFile::Credential(path.clone())).is_ok());
        assert!(read_secret(&SecretFile::Path(path)).is_err());
        assert!(read_secret(&SecretFile::Credential(folder.file(b"key bytes", 0o444))).is_err());
    }

    #[test]
    fn refuses_what_is_missing_empty_or_no_file() {
        let folder = Folder::new("shape");
        assert!(fault(&folder.0.join("nowhere")).contains("does not exist"));
        assert!(fault(&folder.file(b"", 0o600)).contains("is empty"));
        assert!(fault(&folder.0).contains("is not a regular file"));
    }

    #[test]
    fn refuses_a_directory_that_everyone_may_write_to() {
        let folder = Folder::new("directory");
        let path = folder.file(b"key bytes", 0o600);
        fs::set_permissions(&folder.0, Permissions::from_mode(0o777)).unwrap();
        assert!(fault(&path).contains("without the sticky bit"));
        fs::set_permissions(&folder.0, Permissions::from_mode(0o1777)).unwrap();
        assert!(read_secret(&SecretFile::Path(path)).is_ok());
    }

    #[test]
    fn judges_where_a_link_leads_to() {
        let (safe, open) = (Folder::new("link"), Folder::new("target"));
        let path = open.file(b"key bytes", 0o600);
        fs::set_permissions(&open.0, Permissions::from_mode(0o777)).unwrap();
        let link = safe.0.join("link");
        std::os::unix::fs::symlink(path, &link).unwrap();
        assert!(fault(&link).contains("without the sticky bit"));
    }

    #[test]
    fn refuses_a_stranger_s_file() {
        if !geteuid().is_root() {
            return; // only root can give a file away
        }
        let folder = Folder::new("owner");
        let path = folder.file(b"key bytes", 0o600);
        std::os::unix::fs::chown(&path, Some(54_321), None).unwrap();
        assert!(fault(&path).contains("belongs to user 54321"));
    }

    #[test]
    fn a_password_ends_before_its_line_end() {
        let folder = Folder::new("password");
        let path = SecretFile::Path(folder.file(b" Pass word \r\n", 0o600));
        assert_eq!(&**read_password(&path).unwrap(), " Pass word ");
        let other = SecretFile::Path(folder.file(b"P\xe4ss\n", 0o600));
        assert!(read_password(&other).unwrap_err().to_string().contains("is not UTF-8"));
        let blank = SecretFile::Path(folder.file(b"\n", 0o600));
        assert!(read_password(&blank).unwrap_err().to_string().contains("is empty"));
    }

    #[test]
    fn a_file_written_anew_is_another_version() {
        let folder = Folder::new("version");
        let version = |content: &[u8]| FileVersion::of(&SecretFile::Path(folder.file(content, 0o600)));
        let first = version(b"one");
        assert_eq!(first, FileVersion::of(&SecretFile::Path(folder.0.join("secret"))));
        assert_ne!(first, version(b"another"));
        assert_eq!(FileVersion::of(&SecretFile::Path(folder.0.join("nowhere"))), None);
    }

    #[test]
    fn a_public_file_need_only_be_there() {
        let folder = Folder::new("public");
        assert_eq!(read_public(&folder.file(b"certificate", 0o644)).unwrap(), b"certificate");
        assert!(read_public(&folder.0.join("nowhere")).unwrap_err().to_string().contains("does not exist"));
    }
}
