use super::*;
use crate::cli::commands::assert_documented;

fn signature() -> SignatureState {
    SignatureState { kind: 16, rodc_identifier: Some(30775), holds: true }
}

fn grant() -> Grant {
    let text = String::new;
    let pac = PacContents {
        octets: 8,
        buffers: vec![PacBuffer { kind: 1, name: Some("LOGON_INFO"), octets: 8 }],
        account: None,
        domain: None,
        logon_server: None,
        upn: None,
        requestor: None,
        primary_group_rid: None,
        groups: Vec::new(),
        server_signature: signature(),
        kdc_signature: signature(),
    };
    Grant {
        client: text(),
        server: text(),
        ticket_etype: 18,
        ticket_kvno: Some(1),
        session_key_etype: 18,
        reply_etype: 18,
        flags: Flags { bits: 0, names: Vec::new() },
        authtime: text(),
        starttime: None,
        endtime: text(),
        renew_till: None,
        key_expiration: None,
        supported_enctypes: None,
        pac_options: None,
        encrypted_padata_types: Vec::new(),
        key_list_etypes: Vec::new(),
        armored: false,
        key_list: Some(vec![ShownKey { etype: 23, key: text() }]),
        opened: Some(Opened { client: text(), session_key_agrees: true, pac: Some(pac) }),
    }
}

#[test]
fn the_documentation_lists_what_json_has() {
    let report = |result| Report { version: 1, kdc: String::new(), result };
    assert_documented("Exchange: a ticket", &report(Answer::Granted(Box::new(grant()))));
    let denial = Denial {
        code: 20,
        name: None,
        nt_status: None,
        nt_status_name: None,
        server: String::new(),
        stime: String::new(),
        text: None,
        armored: false,
    };
    assert_documented("Exchange: a refusal", &report(Answer::Denied(denial)));
}
