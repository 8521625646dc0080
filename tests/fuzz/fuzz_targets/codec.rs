//! Any octets as every Kerberos message; what is read can be shown and written.
#![no_main]

use kdc::krb::{der::Der, messages::*};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    if let Ok(request) = KdcReq::parse(input) {
        let encoded = request.to_der();
        let again = KdcReq::parse(&encoded).unwrap();
        assert_eq!(again.body_der(), request.body_der());
        reads_as::<KdcReqBody<'_>>(request.body_der());
    }
    reads_as::<ApReq<'_>>(input);
    reads_as::<Ticket<'_>>(input);
    reads_as::<EncTicketPart<'_>>(input);
    reads_as::<Authenticator<'_>>(input);
    reads_as::<KdcRep<'_>>(input);
    reads_as::<EncKdcRepPart<'_>>(input);
    reads_as::<KrbError<'_>>(input);
    reads_as::<KerbErrorData<'_>>(input);
    reads_as::<PaFxFastRequest<'_>>(input);
    reads_as::<KrbFastReq<'_>>(input);
    reads_as::<PaFxFastReply<'_>>(input);
    reads_as::<KrbFastResponse<'_>>(input);
    reads_as::<PaPacOptions>(input);
    reads_as::<KerbKeyListReq<'_>>(input);
    reads_as::<KerbKeyListRep<'_>>(input);
    reads_as::<PaDatas<'_>>(input);
    if let Ok(data) = AuthorizationData::parse(input) {
        let _ = data.pacs();
    }
});

/// What is read can be shown and written.
fn reads_as<'a, T: Der<'a> + std::fmt::Debug>(input: &'a [u8])
where
    T::Encoded: AsRef<[u8]>,
{
    if let Ok(value) = T::parse(input) {
        let _ = format!("{value:?}");
        assert!(!value.to_der().as_ref().is_empty());
    }
}
