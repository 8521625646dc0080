//! StartTLS (RFC 4511 §4.14), up to where TLS begins.
//!
//! What comes before TLS can be anybody's who sits on the way, and ldap3's reader of BER goes as deep as it is led, until the stack
//! ends and the process with it. So these two messages are ours, the answer short and read no deeper than it is defined.

use std::io;

use ldap3::{LdapError, LdapResult};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::fault::{Fault, SUCCESS};
use crate::config::HostPort;
use crate::discovery::ber::{BerError, ENUMERATED, INTEGER, OCTET_STRING, Reader, SEQUENCE, Writer};

/// extendedReq, `[APPLICATION 23]`, and its requestName, `[0]`.
const EXTENDED_REQUEST: u8 = 0x77;
const REQUEST_NAME: u8 = 0x80;
/// extendedResp, `[APPLICATION 24]`.
const EXTENDED_RESPONSE: u8 = 0x78;

/// What the request is called.
const START_TLS: &[u8] = b"1.3.6.1.4.1.1466.20037";
/// The only message on its way.
const MESSAGE_ID: u32 = 1;

/// Octets of the longest answer: a code and a line for people.
const LONGEST: usize = 4096;

/// Connects, and has the server expect TLS next.
pub(super) async fn begin(server: &HostPort) -> Result<std::net::TcpStream, Fault> {
    let lost = |error: io::Error| Fault::connecting(&LdapError::from(error), &server.host);
    let mut stream = TcpStream::connect((server.host.as_str(), server.port)).await.map_err(lost)?;
    stream.write_all(&request()).await.map_err(lost)?;
    let answer = message(&mut stream).await.map_err(lost)?.ok_or(Fault::Garbage)?;
    let (rc, text) = outcome(&answer).map_err(|_| Fault::Garbage)?;
    if rc != SUCCESS {
        let result = LdapResult { rc, text, matched: String::new(), refs: Vec::new(), ctrls: Vec::new() };
        return Err(Fault::connecting(&LdapError::from(result), &server.host));
    }
    stream.into_std().map_err(lost)
}

fn request() -> Vec<u8> {
    let mut message = Writer::default();
    message.constructed(SEQUENCE, |message| {
        message.number(INTEGER, MESSAGE_ID);
        message.constructed(EXTENDED_REQUEST, |request| request.primitive(REQUEST_NAME, START_TLS));
    });
    message.finish()
}

/// The octets of one element and none that follow; `None` for what is no SEQUENCE, or too long.
async fn message(stream: &mut TcpStream) -> io::Result<Option<Vec<u8>>> {
    let mut octets = vec![0; 2];
    stream.read_exact(&mut octets).await?;
    let length = match *octets.as_slice() {
        [SEQUENCE, length @ 0..=0x7f] => usize::from(length),
        [SEQUENCE, count @ 0x81..=0x84] => {
            let mut length = [0; 4];
            let (_, used) = length.split_at_mut(usize::from(0x84_u8.saturating_sub(count)));
            stream.read_exact(used).await?;
            octets.extend_from_slice(used);
            usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX)
        }
        _ => return Ok(None),
    };
    if length > LONGEST {
        return Ok(None);
    }
    let mut contents = vec![0; length];
    stream.read_exact(&mut contents).await?;
    octets.append(&mut contents);
    Ok(Some(octets))
}

/// Result code and text of the answer. What may follow in it is of no interest.
fn outcome(message: &[u8]) -> Result<(u32, String), BerError> {
    let mut message = Reader::new(message).enter(SEQUENCE)?;
    if message.number(INTEGER)? != MESSAGE_ID {
        return Err(BerError);
    }
    let mut response = message.enter(EXTENDED_RESPONSE)?;
    let code = response.number(ENUMERATED)?;
    let _matched = response.expect(OCTET_STRING)?;
    let text = response.expect(OCTET_STRING)?;
    Ok((code, String::from_utf8_lossy(text).into_owned()))
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// What becomes of a server that answers so, and what it was asked.
    async fn begun(answer: Vec<u8>) -> (Result<(), Fault>, Vec<u8>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = HostPort { host: "127.0.0.1".to_owned(), port: listener.local_addr().unwrap().port() };
        let served = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = vec![0; request().len()];
            stream.read_exact(&mut asked).await.unwrap();
            // Who has seen enough goes away before the end.
            let _ = stream.write_all(&answer).await;
            asked
        });
        (begin(&server).await.map(drop), served.await.unwrap())
    }

    #[tokio::test]
    async fn tls_comes_next_where_the_server_agrees() {
        // As Samba answers, and as Windows does: lengths in five octets, and a responseName behind.
        let short = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00";
        let long =
            b"\x30\x84\x00\x00\x00\x28\x02\x01\x01\x78\x84\x00\x00\x00\x1f\x0a\x01\x00\x04\x00\x04\x00\
                     \x8a\x161.3.6.1.4.1.1466.20037";
        for answer in [&short[..], long] {
            let (begun, asked) = begun(answer.to_vec()).await;
            assert_eq!(begun, Ok(()));
            assert!(asked.ends_with(b"\x80\x161.3.6.1.4.1.1466.20037"), "{asked:02x?}");
        }
    }

    #[tokio::test]
    async fn a_refusal_is_told() {
        let (begun, _) = begun(b"\x30\x0e\x02\x01\x01\x78\x09\x0a\x01\x34\x04\x00\x04\x02no".to_vec()).await;
        assert_eq!(begun, Err(Fault::Untrusted("StartTLS is refused (LDAP result 52: no)".to_owned())));
    }

    #[tokio::test]
    async fn whatever_else_comes_before_tls_is_no_ldap() {
        let levels = 100_000_u32;
        let deep: Vec<u8> = (1..=levels)
            .flat_map(|level| [&[0x30, 0x84][..], &((levels - level) * 6).to_be_bytes()].concat())
            .collect();
        let mut shallow = b"\x30\x82\x0f\xfc".to_vec();
        shallow.extend([0x30, 0x80].repeat(0x7fe));
        for answer in [
            deep,
            shallow,
            b"\x30\x84\xff\xff\xff\xff".to_vec(),
            b"\x30\x80\x00\x00".to_vec(),
            b"\x30\x85\x00\x00\x00\x00\x00".to_vec(),
            b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
            b"\x30\x0c\x02\x01\x02\x78\x07\x0a\x01\x00\x04\x00\x04\x00".to_vec(),
            b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00".to_vec(),
            b"\x30\x00".to_vec(),
        ] {
            assert_eq!(
                begun(answer.clone()).await.0,
                Err(Fault::Garbage),
                "{:02x?}",
                &answer[..answer.len().min(20)]
            );
        }
        let (closed, _) = begun(b"\x30\x0c\x02".to_vec()).await;
        assert!(matches!(closed, Err(Fault::Unreachable(_))), "{closed:?}");
    }
}
