//! What the reply says beside the ticket: its encrypted-pa-data (RFC 6806 §11).

use super::admission::AdmittedClient;
use super::key_list::{ReleasedKeys, key_list};
use crate::krb::Secret;
use crate::krb::der::{Der, Writer};
use crate::krb::messages::{PaPacOptions, PaSupportedEnctypes, pa_type, write_padata};

/// What a client has asked to be told. One that asked for nothing gets no encrypted-pa-data, nor the flag that announces
/// it ([MS-KILE] 3.3.5.7).
pub(super) struct Extensions {
    /// What [`key_list`](Self::key_list) holds.
    pub(super) released: Option<ReleasedKeys>,
    key_list: Option<Secret>,
    supported: Option<PaSupportedEnctypes>,
    pac_options: Option<PaPacOptions>,
}

impl Extensions {
    pub(super) fn of(admitted: &AdmittedClient<'_, '_, '_>) -> Self {
        let client = &admitted.0.client;
        let wishes = &client.wishes;
        let released: Vec<_> = admitted.released_keys().collect();
        let supported =
            || PaSupportedEnctypes(client.domain.keys.supported_enctypes() | PaSupportedEnctypes::FAST);
        Self {
            key_list: key_list(&released),
            released: ReleasedKeys::of(released),
            supported: wishes.canonicalizes().then(supported),
            pac_options: wishes.is_branch_aware().then_some(PaPacOptions(wishes.pac_options)),
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.key_list.is_none() && self.supported.is_none() && self.pac_options.is_none()
    }

    /// Writes them in the order that Windows has, the key list first, because tools take the first element for it.
    pub(super) fn write(&self, writer: &mut Writer) {
        writer.sequence(|padata| {
            // The last one first.
            if let Some(options) = &self.pac_options {
                write_padata(padata, pa_type::PAC_OPTIONS, |value| options.write(value));
            }
            if let Some(supported) = &self.supported {
                write_padata(padata, pa_type::SUPPORTED_ENCTYPES, |value| {
                    value.octets(&supported.to_octets())
                });
            }
            if let Some(key_list) = &self.key_list {
                write_padata(padata, pa_type::KERB_KEY_LIST_REP, |value| value.octets(key_list));
            }
        });
    }
}
