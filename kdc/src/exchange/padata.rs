//! The elements of padata that an exchange knows of, found in one pass over all.

use super::refusal::{Refusal, Refused};
use crate::krb::messages::{PaDatas, pa_type};

/// What there is of each type; other types mean nothing here.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct KnownPadata<'r> {
    /// PA-TGS-REQ (RFC 4120 §5.2.7.1).
    pub(super) tgs_req: Found<'r>,
    /// PA-FX-FAST (RFC 6113 §5.4).
    pub(super) fx_fast: Found<'r>,
    /// PA-FX-FAST armour as an element of its own, which no TGS-REQ has.
    pub(super) fx_fast_armor: Found<'r>,
    /// PA-FOR-USER ([MS-SFU] 2.2.1).
    pub(super) for_user: Found<'r>,
    /// PA-S4U-X509-USER ([MS-SFU] 2.2.2).
    pub(super) s4u_x509_user: Found<'r>,
    /// PA-PAC-OPTIONS ([MS-KILE] 2.2.10).
    pub(super) pac_options: Found<'r>,
    /// KERB-KEY-LIST-REQ ([MS-KILE] 2.2.11).
    pub(super) key_list: Found<'r>,
}

/// The elements of one type.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Found<'r> {
    first: Option<&'r [u8]>,
    more: bool,
}

impl<'r> KnownPadata<'r> {
    pub(super) fn find(padata: PaDatas<'r>) -> Self {
        let mut known = Self::default();
        for element in padata {
            let found = match element.kind {
                pa_type::TGS_REQ => &mut known.tgs_req,
                pa_type::FX_FAST => &mut known.fx_fast,
                pa_type::FX_FAST_ARMOR => &mut known.fx_fast_armor,
                pa_type::FOR_USER => &mut known.for_user,
                pa_type::S4U_X509_USER => &mut known.s4u_x509_user,
                pa_type::PAC_OPTIONS => &mut known.pac_options,
                pa_type::KERB_KEY_LIST_REQ => &mut known.key_list,
                _ => continue,
            };
            found.more = found.first.is_some();
            found.first.get_or_insert(element.value);
        }
        known
    }
}

impl<'r> Found<'r> {
    /// Whether there is any.
    pub(super) const fn is_any(self) -> bool {
        self.first.is_some()
    }

    /// The value of the first one.
    pub(super) const fn first(self) -> Option<&'r [u8]> {
        self.first
    }

    /// The value of the only one.
    pub(super) fn only(self) -> Result<Option<&'r [u8]>, Refused> {
        if self.more { Err(Refusal::DuplicatePadata.into()) } else { Ok(self.first) }
    }
}
