//! What the reply says beside the ticket: its encrypted-pa-data (RFC 6806 §11).

use zeroize::Zeroizing;

use super::admission::AdmittedClient;
use crate::krb::der::Der;
use crate::krb::messages::{PaData, PaPacOptions, PaSupportedEnctypes, pa_type};

/// What a client has asked to be told. One that asked for nothing gets no encrypted-pa-data, nor the flag that announces
/// it ([MS-KILE] 3.3.5.7).
pub(super) struct Extensions {
    key_list: Option<Zeroizing<Vec<u8>>>,
    supported: Option<[u8; 4]>,
    pac_options: Option<Vec<u8>>,
}

impl Extensions {
    pub(super) fn of(admitted: &AdmittedClient<'_, '_, '_>) -> Self {
        let client = &admitted.0.client;
        let wishes = &client.wishes;
        let supported =
            PaSupportedEnctypes(client.domain.keys.supported_enctypes() | PaSupportedEnctypes::FAST);
        Self {
            key_list: admitted.key_list(),
            supported: wishes.canonicalizes().then(|| supported.to_octets()),
            pac_options: wishes.is_branch_aware().then(|| PaPacOptions(wishes.pac_options).to_der()),
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.key_list.is_none() && self.supported.is_none() && self.pac_options.is_none()
    }

    /// In the order that Windows has, the key list first, because tools take the first element for it.
    pub(super) fn padata(&self) -> Vec<PaData<'_>> {
        let key_list = self.key_list.as_deref().map(|value| (pa_type::KERB_KEY_LIST_REP, value.as_slice()));
        let supported = self.supported.as_ref().map(|value| (pa_type::SUPPORTED_ENCTYPES, value.as_slice()));
        let pac_options = self.pac_options.as_ref().map(|value| (pa_type::PAC_OPTIONS, value.as_slice()));
        let elements = [key_list, supported, pac_options].into_iter().flatten();
        elements.map(|(kind, value)| PaData { kind, value }).collect()
    }
}
