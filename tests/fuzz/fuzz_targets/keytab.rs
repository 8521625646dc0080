//! Any octets as a keytab file; what is read survives being written.
#![no_main]

use kdc::krb::keytab::Keytab;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    let Ok(keytab) = Keytab::parse(file) else {
        return;
    };
    if let Ok(written) = keytab.to_bytes() {
        let again = Keytab::parse(&written).unwrap();
        assert_eq!(again.entries().len(), keytab.entries().len());
    }
});
