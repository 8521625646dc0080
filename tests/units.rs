//! The units in `systemd/`, by what systemd itself says of them. `tests/package/run` starts them.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tgtx_tests::folder::Folder;
use tgtx_tests::program::{self, Ended};

const UNITS: [&str; 2] = ["tgtx.service", "tgtx.socket"];

/// Of 10, which is a service that may do everything.
const MOST_EXPOSED: &str = "15";

#[expect(clippy::disallowed_methods, reason = "the unit is what is tested")]
fn shipped(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../systemd").join(name);
    fs::read_to_string(path).unwrap()
}

/// The unit, but for the program, which is at `/usr/bin` only where the package is installed.
fn unit(folder: &Folder, name: &str) -> PathBuf {
    let text = shipped(name).replace("/usr/bin/tgtx ", &format!("{} ", program::tgtx().display()));
    folder.write(name, text, 0o644)
}

fn systemd_analyze<'a>(arguments: impl IntoIterator<Item = &'a str>, units: &[PathBuf]) -> Ended {
    program::end(Command::new("systemd-analyze").args(arguments).args(units))
}

#[test]
#[ignore = "needs systemd-analyze"]
fn systemd_finds_nothing_wrong_with_the_units() {
    let folder = Folder::new();
    let units = UNITS.map(|name| unit(&folder, name));
    let said = systemd_analyze(["verify", "--man=no"], &units);
    assert_eq!((said.status, said.output.trim(), said.errors.trim()), (Some(0), "", ""));
}

#[test]
#[ignore = "needs systemd-analyze"]
fn the_service_is_exposed_no_more_than_it_must_be() {
    let folder = Folder::new();
    let said = systemd_analyze(
        ["security", "--offline=true", "--no-pager", "--threshold", MOST_EXPOSED],
        &[unit(&folder, "tgtx.service")],
    );
    assert_eq!(said.status, Some(0), "{}", said.output);
}

#[test]
#[ignore = "needs systemd-analyze"]
fn systemd_finds_nothing_wrong_with_a_service_that_has_credentials() {
    let folder = Folder::new();
    let service = unit(&folder, "tgtx.service");
    let drop_ins = folder.path("tgtx.service.d");
    fs::create_dir(&drop_ins).unwrap();
    fs::write(drop_ins.join("credentials.conf"), shipped("credentials.conf")).unwrap();
    let said = systemd_analyze(["verify", "--man=no"], &[service]);
    assert_eq!((said.status, said.output.trim(), said.errors.trim()), (Some(0), "", ""));
}
