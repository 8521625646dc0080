//! Who may look into the daemon's memory: root, and nobody else of its own user.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use tgtx_tests::folder::Folder;

use super::daemon::eventually;
use super::domain::{Domain, LDIF, REALM};

/// nobody, on every Linux.
const USER: u32 = 65_534;

#[test]
#[ignore = "needs root, to start the daemon as another user"]
fn its_own_user_reads_neither_memory_nor_environment_of_the_daemon() {
    let folder = Folder::new();
    let keytab = folder.write("keytab", Domain::draw().keytab(REALM), 0o600);
    let ldif = folder.write("domain.ldif", LDIF, 0o644);
    let config = folder.write(
        "tgtx.toml",
        format!(
            "[listen]\nkerberos = [\"127.0.0.1:0\"]\nmetrics = \"127.0.0.1:0\"\n[control]\nsocket = \"\"\n\
             [audit]\nsink = \"stderr\"\n[log]\nformat = \"json\"\n\
             [[domain]]\nrealm = \"{REALM}\"\nkeytabs = [{keytab:?}]\ndirectory = \"ldif:{}\"\n",
            ldif.display()
        ),
        0o644,
    );
    // As the test's own user can run it, wherever it was built.
    let program = folder.path("tgtx");
    fs::copy(env!("CARGO_BIN_EXE_tgtx-under-test"), &program).unwrap();
    let log = folder.write("log", "", 0o600);
    for path in [folder.path("."), keytab, program.clone()] {
        chown(path, Some(USER), Some(USER)).unwrap();
    }
    let mut daemon = Command::new(program)
        .args(["serve", "--config"])
        .arg(config)
        .uid(USER)
        .gid(USER)
        .stderr(Stdio::from(fs::File::create(&log).unwrap()))
        .spawn()
        .unwrap();
    let serves = || fs::read_to_string(&log).unwrap().contains("\"serving\"").then_some(());
    eventually("it serves", serves);
    let of_process = |name: &str| format!("/proc/{}/{name}", daemon.id());
    let status = fs::read_to_string(of_process("status")).unwrap();
    assert!(status.contains(&format!("Uid:\t{USER}\t{USER}\t{USER}\t{USER}\n")), "{status}");
    // proc(5): they are root's where the process is not dumpable (prctl(2)), which ptrace(2) wants, too.
    let owners = ["mem", "environ", "maps"].map(|name| fs::metadata(of_process(name)).unwrap().uid());
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    assert_eq!(owners, [0; 3]);
}
