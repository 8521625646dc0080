//! What is relayed, and what counts as an upstream's answer.
#![no_main]

use kdc::relay::{Kind, Peeked, Reply};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let _ = (Peeked::at_request(input), Peeked::at_kpasswd(input));
    for kind in Kind::ALL {
        let _ = Reply::judge(kind, input);
    }
});
