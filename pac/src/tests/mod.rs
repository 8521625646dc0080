//! Tests that need a whole PAC: against the captures, against hostile octets.

mod captures;
mod hostile;
mod rebuild;

/// Every captured PAC with its name.
const CAPTURES: [(&str, &[u8]); 7] = [
    ("windows-server-2022/tgt-pac", include_bytes!("../../../tests/vectors/windows-server-2022/tgt-pac.bin")),
    ("windows-2019/as-rep", include_bytes!("../../../tests/vectors/windows-2019/as-rep.pac.bin")),
    (
        "windows-2019/tgs-rep",
        include_bytes!("../../../tests/vectors/windows-2019/tgs-rep-testuser-krbtgt-renew.pac.bin"),
    ),
    (
        "windows-rodc-2021/tgt_rodc",
        include_bytes!("../../../tests/vectors/windows-rodc-2021/tgt_rodc.pac.bin"),
    ),
    (
        "windows-rodc-2021/tgt_ticket",
        include_bytes!("../../../tests/vectors/windows-rodc-2021/tgt_ticket.pac.bin"),
    ),
    (
        "windows-rodc-2021/service_rodc",
        include_bytes!("../../../tests/vectors/windows-rodc-2021/service_rodc.pac.bin"),
    ),
    (
        "windows-rodc-2021/service_ticket",
        include_bytes!("../../../tests/vectors/windows-rodc-2021/service_ticket.pac.bin"),
    ),
];

/// The PAC of the full TGT that a Windows Server 2022 issued.
const TGT_2022: &[u8] = CAPTURES[0].1;

/// The PAC of a TGT that a Windows read-only domain controller issued.
const TGT_RODC: &[u8] = CAPTURES[3].1;
