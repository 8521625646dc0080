//! What `tgtx check` says of pings.

use tgtx_tests::folder::Folder;
use tgtx_tests::program::run;

use super::wire::{configuration, vector};

#[test]
fn check_tells_who_answers_pings_and_from_which_site() {
    let folder = Folder::new();
    let keytab = folder.write("keytab", std::fs::read(vector("keytab")).unwrap(), 0o600);
    let check = |cldap: &str, discovery: &str| {
        let config = folder.write("tgtx.toml", configuration(&keytab, cldap, "", discovery), 0o644);
        run(["check", "--online", "--config", &config.display().to_string()]).output
    };
    let own = check("127.0.0.1:3890", "host = \"KDC1\"\nsite = \"Vienna\"");
    for line in ["pings are answered as KDC1", "pings to 127.0.0.1 are answered from site Vienna"] {
        assert!(own.contains(&format!("ok       AFOREST.AD: {line}\n")), "{line}: {own}");
    }
    let upstream = check("127.0.0.1:3890", "upstream = \"127.0.0.1:1389\"");
    assert!(upstream.contains("pings are answered by 127.0.0.1:1389, KEY_LIST added\n"), "{upstream}");
    assert!(!upstream.contains("site"), "{upstream}");
}
