//! What a KERB-KEY-LIST-REQ asks for ([MS-KILE] 2.2.11).

use crate::krb::crypto::EncryptionType;
use crate::krb::messages::KerbKeyListReq;

/// The types a KERB-KEY-LIST-REQ asks for that there are here, in its order, each once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RequestedKeys([Option<EncryptionType>; EncryptionType::ALL.len()]);

impl RequestedKeys {
    /// More types than this is no wish that anybody has.
    const MOST: usize = 16;

    /// `None` where the list is empty or absurd: then it is as if nobody had asked.
    pub(super) fn read(list: &KerbKeyListReq<'_>) -> Option<Self> {
        if !(1..=Self::MOST).contains(&list.len()) {
            return None;
        }
        let mut requested = Self([None; EncryptionType::ALL.len()]);
        for etype in list.iter().filter_map(EncryptionType::from_i32) {
            // There are as many places as types, so that a free one is left for each that is new.
            let place = requested.0.iter_mut().find(|place| place.is_none_or(|taken| taken == etype));
            if let Some(place) = place {
                *place = Some(etype);
            }
        }
        Some(requested)
    }

    pub(super) fn iter(self) -> impl Iterator<Item = EncryptionType> {
        self.0.into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::krb::der::Der;
    use EncryptionType::{Aes128Sha1, Aes128Sha256, Aes256Sha1, Aes256Sha384, Rc4Hmac};

    #[test]
    fn a_request_is_read_in_its_order_each_type_once_and_absurd_ones_not_at_all() {
        let cases: [(&[i32], Option<&[EncryptionType]>); 9] = [
            (&[23], Some(&[Rc4Hmac])),
            (&[23, 18, 17], Some(&[Rc4Hmac, Aes256Sha1, Aes128Sha1])),
            (&[17, 23, 17, 17, 23], Some(&[Aes128Sha1, Rc4Hmac])),
            (
                &[20, 19, 18, 17, 23, 20, 23],
                Some(&[Aes256Sha384, Aes128Sha256, Aes256Sha1, Aes128Sha1, Rc4Hmac]),
            ),
            (&[24, -128, i32::MIN, 3, 0], Some(&[])),
            (&[1, 3, 24, 23], Some(&[Rc4Hmac])),
            (&[23; 16], Some(&[Rc4Hmac])),
            (&[23; 17], None),
            (&[], None),
        ];
        for (list, expected) in cases {
            let octets = KerbKeyListReq::of(list).to_der();
            let read = RequestedKeys::read(&KerbKeyListReq::parse(&octets).unwrap());
            let read = read.map(|requested| requested.iter().collect::<Vec<_>>());
            assert_eq!(read.as_deref(), expected, "{list:?}");
        }
    }
}
