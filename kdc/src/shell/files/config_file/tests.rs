//! Files as operators, editors and strangers leave them.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::*;

const DOMAIN: &str = "[[domain]]\nrealm = \"X\"\nkeytabs = [\"a\"]\ndirectory = \"ldif:b\"\n";

/// A configuration with a folder of drop-ins, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tgtx-config-{name}-{}", std::process::id()));
        fs::create_dir_all(path.join("tgtx.d")).unwrap();
        fs::write(path.join("tgtx.toml"), DOMAIN).unwrap();
        Self(path)
    }

    fn config(&self) -> PathBuf {
        self.0.join("tgtx.toml")
    }

    fn drop_in(&self, name: &str) -> PathBuf {
        self.0.join("tgtx.d").join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.drop_in(name), text).unwrap();
    }

    fn load(&self) -> Result<Config, String> {
        load(&self.config()).map_err(|error| error.to_string())
    }

    /// What is wrong, which is told of this file.
    fn fault(&self, of: &Path) -> String {
        let told = self.load().unwrap_err();
        let about = format!("{}: ", of.display());
        told.strip_prefix(&about).unwrap_or_else(|| panic!("{told} is not about {about}")).to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_missing_file_is_named() {
    let error = load(Path::new("/nonexistent/tgtx.toml")).unwrap_err().to_string();
    assert!(error.starts_with("/nonexistent/tgtx.toml: cannot be read: "), "{error}");
    assert!(error.ends_with("name the configuration with --config FILE"), "{error}");
}

#[test]
fn reads_a_file() {
    load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../conf/tgtx.toml")).unwrap();
}

#[test]
fn the_folder_is_beside_the_file_and_named_after_it() {
    for (file, folder) in [
        ("/etc/tgtx/tgtx.toml", Some("/etc/tgtx/tgtx.d")),
        ("/etc/tgtx/berlin.toml", Some("/etc/tgtx/berlin.d")),
        ("/etc/tgtx/berlin", Some("/etc/tgtx/berlin.d")),
        ("tgtx.toml", Some("tgtx.d")),
        ("a.b.toml", Some("a.b.d")),
        ("tgtx.d", None),
        ("/", None),
    ] {
        assert_eq!(folder_of(Path::new(file)).as_deref(), folder.map(Path::new), "{file}");
    }
}

#[test]
fn drop_ins_are_read_by_their_names_octets_and_nothing_else_is() {
    let folder = Folder::new("order");
    for (name, connections) in [("9.toml", 1), ("10.toml", 2), ("Z.toml", 3), ("a.toml", 4), ("é.toml", 5)] {
        folder.write(name, format!("[limits]\nconnections = {connections}\n"));
    }
    for name in
        [".hidden.toml", "a.toml~", "a.toml.dpkg-new", "#a.toml#", "README", "toml", "x.TOML", ".toml"]
    {
        folder.write(name, "this is no TOML");
    }
    fs::create_dir(folder.drop_in("deeper")).unwrap();
    let config = folder.load().unwrap();
    let names: Vec<_> = config.drop_ins.iter().map(|path| path.strip_prefix(&folder.0).unwrap()).collect();
    let expected =
        ["10.toml", "9.toml", "Z.toml", "a.toml", "é.toml"].map(|name| Path::new("tgtx.d").join(name));
    assert_eq!(names, expected);
    assert_eq!(config.limits.connections.map(usize::from), Some(5));
    assert_eq!(config.files().next(), Some(folder.config().as_path()));
}

#[test]
fn nothing_is_found_where_there_is_no_folder_or_nothing_in_it() {
    let folder = Folder::new("none");
    assert!(folder.load().unwrap().drop_ins.is_empty());
    fs::remove_dir(folder.0.join("tgtx.d")).unwrap();
    assert!(folder.load().unwrap().drop_ins.is_empty());
}

#[test]
fn a_drop_in_may_be_empty_or_a_link_to_a_file_elsewhere() {
    let folder = Folder::new("links");
    folder.write("0.toml", "");
    fs::write(folder.0.join("elsewhere"), "[limits]\nconnections = 7\n").unwrap();
    symlink("../elsewhere", folder.drop_in("1.toml")).unwrap();
    assert_eq!(folder.load().unwrap().limits.connections.map(usize::from), Some(7));
}

#[test]
fn a_folder_that_is_none_is_a_fault() {
    let folder = Folder::new("no-folder");
    let path = folder.0.join("tgtx.d");
    fs::remove_dir(&path).unwrap();
    fs::write(&path, "").unwrap();
    assert!(folder.fault(&path).starts_with("cannot be read: Not a directory"));
    fs::remove_file(&path).unwrap();
    symlink("nowhere", &path).unwrap();
    assert!(folder.fault(&path).starts_with("cannot be read: No such file"));
}

#[test]
fn what_is_no_file_with_an_end_is_refused_at_once() {
    let folder = Folder::new("odd");
    let path = folder.drop_in("x.toml");
    let remove = || fs::remove_file(&path).unwrap();

    mkfifo(&path, Mode::from_bits_truncate(0o600)).unwrap();
    assert!(folder.fault(&path).starts_with("is not a regular file; take it away"));
    remove();
    for target in ["/dev/zero", "/dev/null", "/proc/self"] {
        symlink(target, &path).unwrap();
        assert!(folder.fault(&path).starts_with("is not a regular file"), "{target}");
        remove();
    }
    symlink("y.toml", &path).unwrap();
    assert!(folder.fault(&path).starts_with("leads nowhere"));
    symlink("x.toml", folder.drop_in("y.toml")).unwrap();
    assert!(folder.fault(&path).starts_with("cannot be read: Too many levels of symbolic links"));
    remove();
    fs::remove_file(folder.drop_in("y.toml")).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(folder.fault(&path).starts_with("is not a regular file"));
}

#[test]
fn a_file_without_an_end_is_not_read_to_it() {
    let error = load(Path::new("/dev/zero")).unwrap_err().to_string();
    assert_eq!(error, "/dev/zero: is larger than 1048576 octets; leave out what is no setting");
}

#[test]
fn there_are_bounds_for_size_and_number() {
    let folder = Folder::new("bounds");
    let path = folder.drop_in("x.toml");
    let whole = usize::try_from(LARGEST).unwrap();
    folder.write("x.toml", vec![b'\n'; whole]);
    assert!(folder.load().is_ok());
    folder.write("x.toml", vec![b'\n'; whole + 1]);
    assert!(folder.fault(&path).starts_with("is larger than 1048576 octets"));
    folder.write("x.toml", b"# \xff");
    assert!(folder.fault(&path).starts_with("is not UTF-8 text"));
    fs::remove_file(&path).unwrap();

    for number in 0..MOST_DROP_INS {
        folder.write(&format!("{number:04}.toml"), "");
    }
    assert_eq!(folder.load().unwrap().drop_ins.len(), MOST_DROP_INS);
    for number in MOST_DROP_INS..1_000 {
        folder.write(&format!("{number:04}.toml"), "");
    }
    let told = folder.fault(&folder.0.join("tgtx.d"));
    assert_eq!(told, "has more than 256 drop-ins; put several of them into one");
}

#[test]
fn what_everyone_may_write_to_is_refused() {
    let folder = Folder::new("modes");
    folder.write("x.toml", "");
    for (path, loose, tight) in [
        (folder.config(), 0o646, 0o664),
        (folder.0.join("tgtx.d"), 0o1777, 0o775),
        (folder.drop_in("x.toml"), 0o602, 0o640),
    ] {
        fs::set_permissions(&path, Permissions::from_mode(loose)).unwrap();
        let told = folder.fault(&path);
        assert_eq!(told, format!("may be written by everyone (mode {loose:04o}); chmod o-w it"));
        fs::set_permissions(&path, Permissions::from_mode(tight)).unwrap();
        assert!(folder.load().is_ok(), "{}", path.display());
    }
}

#[test]
fn what_a_stranger_put_there_is_refused() {
    if !geteuid().is_root() {
        return; // only root can give a file away
    }
    const STRANGER: u32 = 54_321;
    let folder = Folder::new("owners");
    folder.write("x.toml", "");
    fs::write(folder.0.join("elsewhere"), "").unwrap();
    chown(folder.0.join("elsewhere"), Some(STRANGER), None).unwrap();
    symlink("../elsewhere", folder.drop_in("y.toml")).unwrap();
    let link = folder.fault(&folder.drop_in("y.toml"));
    assert!(link.starts_with("belongs to user 54321, neither root nor"), "{link}");
    fs::remove_file(folder.drop_in("y.toml")).unwrap();

    for path in [folder.0.join("tgtx.d"), folder.drop_in("x.toml")] {
        chown(&path, Some(STRANGER), None).unwrap();
        assert!(folder.fault(&path).ends_with("; chown it"));
        // Whose the file is decides already.
        chown(folder.config(), Some(STRANGER), None).unwrap();
        assert!(folder.load().is_ok());
        chown(folder.config(), Some(0), None).unwrap();
        chown(&path, Some(0), None).unwrap();
    }
}

#[test]
fn a_fault_in_a_drop_in_has_its_place() {
    let folder = Folder::new("place");
    folder.write("10-limits.toml", "[limits]\nconnections = 1\n");
    folder.write("20-typo.toml", "[limits]\n\nconections = 1\n");
    let place = format!("{}:3:1: unknown key `conections`", folder.drop_in("20-typo.toml").display());
    assert!(folder.load().unwrap_err().starts_with(&place), "{:?}", folder.load());
}

#[test]
fn the_control_socket_is_found_whatever_else_is_wrong() {
    let folder = Folder::new("control");
    let socket = || control(&folder.config()).socket.unwrap();
    assert_eq!(socket(), Path::new("/run/tgtx/control.sock"));
    fs::write(folder.config(), "[control]\nsocket = \"/a\"\n").unwrap();
    folder.write("1.toml", "[control]\nsocket = \"/b\"\n");
    folder.write("2.toml", "no TOML");
    assert_eq!(socket(), Path::new("/b"));
    symlink("nowhere", folder.drop_in("3.toml")).unwrap();
    assert_eq!(socket(), Path::new("/a"), "the file alone, where not all can be read");
    fs::remove_file(folder.config()).unwrap();
    assert_eq!(socket(), Path::new("/run/tgtx/control.sock"));
}
