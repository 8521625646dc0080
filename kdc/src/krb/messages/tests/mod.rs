//! Tests that span several message types.

mod captures;
mod oddities;
mod round_trips;

/// A file of `tests/vectors`.
macro_rules! vector {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/", $name)).as_slice()
    };
}
use vector;

/// A captured message behind the four octets of its length on TCP.
fn after_record_mark(frame: &[u8]) -> &[u8] {
    let (mark, message) = frame.split_first_chunk::<4>().unwrap();
    assert_eq!(u32::from_be_bytes(*mark), u32::try_from(message.len()).unwrap());
    message
}
