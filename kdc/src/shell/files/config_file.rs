//! Reads the configuration from disk: the one place where its texts and its surroundings come from.
//!
//! The file that is named may have drop-ins: `tgtx.d/*.toml` beside `tgtx.toml`. They are found and not named, so whoever
//! could put one there would be obeyed: they and their folder must be root's, the daemon's user's or of whom the file is.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

use super::{FileFault, open};
use crate::config::{Config, ConfigError, Control, Effective, Sources, Surroundings};

/// Takes the place of `[log] level`.
const LOG_VARIABLE: &str = "TGTX_LOG";

/// Octets of the longest file that is read.
const LARGEST: u64 = 1 << 20;

/// Drop-ins that are read at most.
const MOST_DROP_INS: usize = 256;

/// Loads and checks the configuration at `path` with its drop-ins. The files it names are not looked at yet.
///
/// # Errors
/// One line that names file, key or object and the mend.
pub fn load(path: &Path) -> Result<Config, ConfigError> {
    let sources = read(path)?;
    with_surroundings(path, |surroundings| Config::read(&sources, surroundings))
}

/// Loads and checks the configuration of `running` again, see [`Config::read_again`].
///
/// # Errors
/// As [`load`].
pub fn load_again(running: &Config) -> Result<(Config, Vec<&'static str>), ConfigError> {
    let sources = read(&running.file)?;
    with_surroundings(&running.file, |surroundings| running.read_again(&sources, surroundings))
}

/// Every value that holds by the configuration at `path`, and where it comes from.
///
/// # Errors
/// As [`load`], but for contradictions between values: these are found sooner where each is shown with its place.
pub fn effective(path: &Path) -> Result<Effective, ConfigError> {
    Effective::of(&read(path)?)
}

/// What the configuration at `path` says of the control socket, as far as that can be told, see [`Sources::control`].
/// Whoever may use the socket need not be able to read the configuration, nor need it be right just now.
#[must_use]
pub fn control(path: &Path) -> Control {
    let alone = || Sources::of(path, named(path).map(|(text, _)| text).unwrap_or_default());
    read(path).unwrap_or_else(|_| alone()).control()
}

fn with_surroundings<T>(
    file: &Path,
    parse: impl FnOnce(Surroundings<'_>) -> Result<T, ConfigError>,
) -> Result<T, ConfigError> {
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY");
    parse(Surroundings { file, credentials_directory: credentials.as_deref().map(Path::new) })
}

fn read(path: &Path) -> Result<Sources, ConfigError> {
    let (text, metadata) = named(path)?;
    let owner = metadata.uid();
    let mut sources = Sources::of(path, text);
    for drop_in in drop_ins(path, owner)? {
        let text = found(&drop_in, owner)?;
        sources.lay_over(&drop_in, text);
    }
    if let Some(level) = std::env::var_os(LOG_VARIABLE).filter(|level| !level.is_empty()) {
        sources.lay_over_log_level(LOG_VARIABLE, &level.to_string_lossy());
    }
    Ok(sources)
}

/// The file that was named. It may be a pipe.
fn named(path: &Path) -> Result<(String, Metadata), ConfigError> {
    let unreadable = |error: io::Error| {
        let problem = format!("cannot be read: {error}");
        ConfigError::of_object(path, problem, "name the configuration with --config FILE")
    };
    #[expect(clippy::disallowed_methods, reason = "the shell's one place that reads the configuration")]
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if metadata.is_file() {
        is_not_everyones(path, &metadata)?;
    }
    Ok((text(path, file)?, metadata))
}

/// A drop-in's text.
fn found(path: &Path, owner: u32) -> Result<String, ConfigError> {
    let (file, metadata) = open(path).map_err(|fault| match fault {
        FileFault::Unreadable(error) => unreadable(path, &error),
        FileFault::Missing => ConfigError::of_object(path, "leads nowhere".to_owned(), TAKE_AWAY),
        _ => ConfigError::of_object(path, "is not a regular file".to_owned(), TAKE_AWAY),
    })?;
    is_ours(path, &metadata, owner)?;
    text(path, file)
}

const TAKE_AWAY: &str = "take it away, or give it another ending";

fn unreadable(path: &Path, error: &io::Error) -> ConfigError {
    let problem = format!("cannot be read: {error}");
    ConfigError::of_object(path, problem, "let the daemon's user read it, or take it away")
}

fn text(path: &Path, file: File) -> Result<String, ConfigError> {
    let mut octets = Vec::new();
    // One octet more tells what is too long; a device may have no end.
    let read = file.take(LARGEST.saturating_add(1)).read_to_end(&mut octets);
    let length = read.map_err(|error| unreadable(path, &error))?;
    if u64::try_from(length).is_ok_and(|length| length > LARGEST) {
        let problem = format!("is larger than {LARGEST} octets");
        return Err(ConfigError::of_object(path, problem, "leave out what is no setting"));
    }
    String::from_utf8(octets)
        .map_err(|_| ConfigError::of_object(path, "is not UTF-8 text".to_owned(), "save it as UTF-8"))
}

/// The drop-ins of the file at `path`, whose owner this is, in the order in which they are read: by their names' octets.
/// None where there is no such folder.
fn drop_ins(path: &Path, owner: u32) -> Result<Vec<PathBuf>, ConfigError> {
    let Some(folder) = folder_of(path) else { return Ok(Vec::new()) };
    let of_folder = |error: io::Error| unreadable(&folder, &error);
    let metadata = match std::fs::metadata(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && !folder.is_symlink() => {
            return Ok(Vec::new());
        }
        metadata => metadata.map_err(of_folder)?,
    };
    is_ours(&folder, &metadata, owner)?;
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(of_folder)? {
        let name = entry.map_err(of_folder)?.file_name();
        if is_drop_in(&name) {
            names.push(name);
        }
        if names.len() > MOST_DROP_INS {
            let problem = format!("has more than {MOST_DROP_INS} drop-ins");
            return Err(ConfigError::of_object(&folder, problem, "put several of them into one"));
        }
    }
    names.sort_unstable();
    Ok(names.into_iter().map(|name| folder.join(name)).collect())
}

/// `/etc/tgtx/tgtx.d` for `/etc/tgtx/tgtx.toml`.
fn folder_of(path: &Path) -> Option<PathBuf> {
    let mut name = path.file_stem()?.to_owned();
    name.push(".d");
    Some(path.with_file_name(name)).filter(|folder| folder != path)
}

/// Editors and package managers leave hidden files and other endings behind.
fn is_drop_in(name: &OsStr) -> bool {
    let name = name.as_bytes();
    name.ends_with(b".toml") && !name.starts_with(b".")
}

/// Whether what was found is of somebody who may decide by whom and how the domain is served.
fn is_ours(path: &Path, metadata: &Metadata, owner: u32) -> Result<(), ConfigError> {
    let daemon = geteuid().as_raw();
    if ![0, daemon, owner].contains(&metadata.uid()) {
        let problem = format!(
            "belongs to user {}, neither root nor the daemon's user {daemon} nor user {owner}, whose the configuration is",
            metadata.uid()
        );
        return Err(ConfigError::of_object(path, problem, "chown it"));
    }
    is_not_everyones(path, metadata)
}

fn is_not_everyones(path: &Path, metadata: &Metadata) -> Result<(), ConfigError> {
    let mode = metadata.mode() & 0o7777;
    if mode & 0o002 == 0 {
        return Ok(());
    }
    Err(ConfigError::of_object(path, format!("may be written by everyone (mode {mode:04o})"), "chmod o-w it"))
}

#[cfg(test)]
mod tests;
