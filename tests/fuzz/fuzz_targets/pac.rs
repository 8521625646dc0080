//! Any octets as a PAC and as each of its buffers.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pac::{AttributesInfo, ClientInfo, LogonInfo, Pac, Sid, UpnDnsInfo};

fuzz_target!(|input: &[u8]| {
    if let Ok(pac) = Pac::parse(input) {
        let _ = (pac.server_signature(), pac.kdc_signature());
        assert_eq!(pac.unsigned().len(), input.len());
        for buffer in pac.buffers() {
            read_buffer(buffer.contents);
        }
    }
    read_buffer(input);
});

fn read_buffer(contents: &[u8]) {
    if let Ok(logon_info) = LogonInfo::decode(contents) {
        let _ = logon_info.encode();
    }
    let _ = ClientInfo::decode(contents);
    let _ = UpnDnsInfo::decode(contents);
    let _ = AttributesInfo::decode(contents);
    if let Ok(sid) = Sid::from_bytes(contents) {
        assert_eq!(sid.to_bytes(), contents);
    }
}
