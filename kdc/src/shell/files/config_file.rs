//! Reads the configuration from disk: the one place where its text and its surroundings come from.

use std::path::Path;

use crate::config::{Config, ConfigError, Surroundings};

/// Loads and checks the configuration at `path`. The files it names are not looked at yet.
///
/// # Errors
/// One line that names file, key or object and the mend.
pub fn load(path: &Path) -> Result<Config, ConfigError> {
    read(path, Config::parse)
}

/// Loads and checks the file of `running` again, see [`Config::parse_again`].
///
/// # Errors
/// As [`load`].
pub fn load_again(running: &Config) -> Result<(Config, Vec<&'static str>), ConfigError> {
    read(&running.file, |text, surroundings| running.parse_again(text, surroundings))
}

fn read<T>(
    path: &Path,
    parse: impl FnOnce(&str, Surroundings<'_>) -> Result<T, ConfigError>,
) -> Result<T, ConfigError> {
    #[expect(clippy::disallowed_methods, reason = "the shell's one place that reads the configuration")]
    let text = std::fs::read_to_string(path).map_err(|error| ConfigError::unreadable(path, &error))?;
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY");
    let credentials_directory = credentials.as_deref().map(Path::new);
    parse(&text, Surroundings { file: path, credentials_directory })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_is_named() {
        let error = load(Path::new("/nonexistent/tgtx.toml")).unwrap_err().to_string();
        assert!(error.starts_with("/nonexistent/tgtx.toml: cannot be read: "), "{error}");
    }

    #[test]
    fn reads_a_file() {
        load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../conf/tgtx.toml")).unwrap();
    }
}
