//! Keytabs of user keys on disk.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::config::SecretFile;
use crate::krb::crypto::EncryptionType;
use crate::krb::keytab::Entry;
use zeroize::Zeroizing;

/// A keytab of a test's own, removed at its end.
struct File(PathBuf);

impl File {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("tgtx-user-keys-{name}-{}", std::process::id())))
    }

    fn write(&self, octets: &[u8], mode: u32) -> &Self {
        fs::write(&self.0, octets).unwrap();
        fs::set_permissions(&self.0, Permissions::from_mode(mode)).unwrap();
        self
    }

    fn settings(&self) -> KeyList {
        let keytabs = vec![SecretFile::Path(self.0.clone())];
        KeyList { keytabs, etypes: vec![EncryptionType::Rc4Hmac] }
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn keytab(users: &[&str]) -> Vec<u8> {
    let entry = |name: &&str| Entry {
        realm: b"LAB.EXAMPLE".to_vec(),
        components: vec![name.as_bytes().to_vec()],
        name_type: 1,
        timestamp: 0,
        kvno: 1,
        etype: 23,
        key: Zeroizing::new(vec![7; 16]),
    };
    Keytab::new(users.iter().map(entry).collect()).to_bytes().unwrap().to_vec()
}

fn fault(file: &File) -> String {
    UserKeytabs::read("LAB.EXAMPLE", &file.settings()).err().unwrap().to_string()
}

#[test]
fn a_keytab_that_is_unsafe_broken_or_without_users_is_a_fault_that_names_it() {
    let file = File::new("faults");
    let path = file.0.display().to_string();
    assert_eq!(fault(&file), format!("{path}: does not exist; create it or correct the path"));
    let cases: [(Vec<u8>, u32, &str); 4] = [
        (keytab(&["alice"]), 0o640, "may be read or written by group or others (mode 0640); chmod 600 it"),
        (b"no keytab".to_vec(), 0o600, "not a usable keytab: at octet 0, it does not begin with 05 02"),
        (keytab(&["alice"])[..40].to_vec(), 0o600, "is cut short; export it anew"),
        (
            keytab(&["WS1$"]),
            0o600,
            "no key of a user of LAB.EXAMPLE that is of a type in [domain.key-list] etypes",
        ),
    ];
    for (octets, mode, expected) in cases {
        let told = fault(file.write(&octets, mode));
        assert!(told.starts_with(&path) && told.contains(expected), "{told}");
        assert!(!told.contains('\n'), "{told}");
    }
}

#[test]
fn a_keytab_written_anew_has_changed() {
    let file = File::new("change");
    let keytabs =
        UserKeytabs::read("LAB.EXAMPLE", &file.write(&keytab(&["alice"]), 0o600).settings()).unwrap();
    assert_eq!((keytabs.keys().accounts(), keytabs.have_changed()), (1, false));
    file.write(&keytab(&["alice", "bob"]), 0o600);
    assert!(keytabs.have_changed());
    fs::remove_file(&file.0).unwrap();
    assert!(keytabs.have_changed());
}
