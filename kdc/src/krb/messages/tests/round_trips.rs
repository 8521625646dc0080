//! Whatever is written is read back the same.

use crate::krb::{
    der::{Der, SequenceOf},
    messages::*,
};
use proptest::{collection::vec, option, prelude::*};

fn octets() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..300)
}

fn time() -> impl Strategy<Value = KerberosTime> {
    (KerberosTime::MIN.unix_seconds()..=KerberosTime::MAX.unix_seconds())
        .prop_map(|seconds| KerberosTime::from_unix_seconds(seconds).unwrap())
}

fn wire_int() -> impl Strategy<Value = WireInt> {
    (any::<u32>(), any::<bool>())
        .prop_map(|(value, signed)| if signed { WireInt::signed(value) } else { WireInt::unsigned(value) })
}

fn name() -> impl Strategy<Value = PrincipalNameBuf> {
    (any::<i32>(), vec(octets(), 0..4)).prop_map(|(name_type, components)| {
        let components: Vec<&[u8]> = components.iter().map(Vec::as_slice).collect();
        PrincipalNameBuf::new(name_type, &components)
    })
}

proptest! {
    #[test]
    fn integers(value in any::<i32>(), wire in wire_int()) {
        prop_assert_eq!(i32::parse(&value.to_der()), Ok(value));
        prop_assert_eq!(WireInt::parse(&wire.to_der()), Ok(wire));
        prop_assert_eq!(WireInt::unsigned(wire.as_u32()).as_u32(), WireInt::signed(wire.as_u32()).as_u32());
    }

    #[test]
    fn times(time in time()) {
        prop_assert_eq!(KerberosTime::parse(&time.to_der()), Ok(time));
    }

    #[test]
    fn names(name in name()) {
        let encoded = name.as_name().to_der();
        let read = PrincipalName::parse(&encoded).unwrap();
        prop_assert_eq!(read, name.as_name());
        prop_assert_eq!(read.to_owned(), name);
    }

    #[test]
    fn bodies(
        kdc_options in any::<u32>(),
        names in (option::of(name()), option::of(name())),
        realm in octets(),
        times in (option::of(time()), time(), option::of(time())),
        nonce in wire_int(),
        etypes in vec(any::<i32>(), 0..40),
        address in option::of((any::<i32>(), octets())),
        cipher in option::of((any::<i32>(), option::of(wire_int()), octets())),
    ) {
        let address = address
            .as_ref()
            .map(|(addr_type, address)| [HostAddress { addr_type: *addr_type, address }]);
        let encrypted = cipher
            .as_ref()
            .map(|(etype, kvno, cipher)| EncryptedData { etype: *etype, kvno: *kvno, cipher });
        let name = PrincipalName::new(1, &[KerberosString(b"host")]);
        let ticket = encrypted.map(|enc_part| [Ticket { realm: &realm, sname: name, enc_part }]);
        let body = KdcReqBody {
            kdc_options,
            cname: names.0.as_ref().map(PrincipalNameBuf::as_name),
            realm: &realm,
            sname: names.1.as_ref().map(PrincipalNameBuf::as_name),
            from: times.0,
            till: times.1,
            rtime: times.2,
            nonce,
            etypes: SequenceOf::of(&etypes),
            addresses: address.as_ref().map(|list| SequenceOf::of(list)),
            enc_authorization_data: encrypted,
            additional_tickets: ticket.as_ref().map(|list| SequenceOf::of(list)),
        };
        let encoded = body.to_der();
        prop_assert_eq!(KdcReqBody::parse(&encoded), Ok(body));

        let padata = [PaData { kind: pa_type::TGS_REQ, value: &realm }];
        let request =
            KdcReq::new(RequestType::TgsReq, Some(SequenceOf::of(&padata)), &encoded).unwrap();
        let message = request.to_der();
        let read = KdcReq::parse(&message).unwrap();
        prop_assert_eq!(read.body_der(), encoded.as_slice());
        prop_assert_eq!(read.padata, request.padata);
        prop_assert_eq!(read.msg_type, RequestType::TgsReq);
    }

    #[test]
    fn errors(
        codes in (any::<i32>(), 0..1_000_000_u32, option::of(0..1_000_000_u32)),
        times in (option::of(time()), time()),
        names in (name(), option::of(name())),
        strings in (octets(), option::of(octets()), option::of(octets()), option::of(octets())),
    ) {
        let error = KrbError {
            ctime: times.0,
            cusec: codes.2,
            stime: times.1,
            susec: codes.1,
            error_code: codes.0,
            crealm: strings.1.as_deref(),
            cname: names.1.as_ref().map(PrincipalNameBuf::as_name),
            realm: &strings.0,
            sname: names.0.as_name(),
            e_text: strings.2.as_deref(),
            e_data: strings.3.as_deref(),
        };
        let encoded = error.to_der();
        prop_assert_eq!(KrbError::parse(&encoded), Ok(error));
    }

    #[test]
    fn arbitrary_octets_that_are_read_are_written_again(octets in vec(any::<u8>(), 0..40)) {
        if let Ok(name) = PrincipalName::parse(&octets) {
            prop_assert_eq!(name.to_der(), octets.clone());
        }
        if let Ok(time) = KerberosTime::parse(&octets) {
            prop_assert_eq!(time.to_der(), octets);
        }
    }
}
