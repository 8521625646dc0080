//! The rules of the replay and retransmit memory, one test each.

use super::*;

const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));
const OTHER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 8));
const REPLY: Bytes = Bytes::from_static(b"reply");

fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

fn memory(entries: usize, reply_memory: usize) -> ReplayMemory {
    let limits = ReplayLimits {
        entries: NonZeroUsize::new(entries).unwrap(),
        window: seconds(600),
        reply_time: seconds(10),
        reply_memory,
    };
    ReplayMemory::new(&limits, &[7; 32])
}

fn new_token(admission: ReplayVerdict) -> Token {
    match admission {
        ReplayVerdict::Serve(token) => token,
        other => panic!("not new: {other:?}"),
    }
}

#[test]
fn gives_a_retransmit_its_reply_again() {
    let memory = memory(100, 1000);
    let token = new_token(memory.admit(b"a", b"request", CLIENT, seconds(1)));
    memory.remember(token, REPLY, seconds(1));
    assert_eq!(memory.admit(b"a", b"request", CLIENT, seconds(11)), ReplayVerdict::Retransmit(REPLY));
}

#[test]
fn a_mapped_address_is_the_same_client() {
    let memory = memory(100, 1000);
    let token = new_token(memory.admit(b"a", b"request", CLIENT, seconds(1)));
    memory.remember(token, REPLY, seconds(1));
    let mapped = IpAddr::V6(std::net::Ipv4Addr::new(192, 0, 2, 7).to_ipv6_mapped());
    assert_eq!(memory.admit(b"a", b"request", mapped, seconds(2)), ReplayVerdict::Retransmit(REPLY));
}

#[test]
fn serves_a_retransmit_afresh_once_its_reply_is_gone() {
    let memory = memory(100, 1000);
    let token = new_token(memory.admit(b"a", b"request", CLIENT, seconds(1)));
    let afresh = ReplayVerdict::Serve(token);
    assert_eq!(memory.admit(b"a", b"request", CLIENT, seconds(1)), afresh, "still in the making");
    memory.remember(token, REPLY, seconds(1));
    assert_eq!(memory.admit(b"a", b"request", CLIENT, seconds(12)), afresh, "no longer kept");
}

#[test]
fn other_bytes_under_a_known_authenticator_are_a_replay() {
    let memory = memory(100, 1000);
    let token = new_token(memory.admit(b"a", b"request", CLIENT, seconds(1)));
    memory.remember(token, REPLY, seconds(1));
    assert_eq!(memory.admit(b"a", b"request, other padata", CLIENT, seconds(2)), ReplayVerdict::Replay);
}

#[test]
fn the_same_bytes_from_elsewhere_are_a_replay() {
    let memory = memory(100, 1000);
    let token = new_token(memory.admit(b"a", b"request", CLIENT, seconds(1)));
    memory.remember(token, REPLY, seconds(1));
    assert_eq!(memory.admit(b"a", b"request", OTHER, seconds(2)), ReplayVerdict::Replay);
    assert_eq!(memory.admit(b"a", b"request", CLIENT, seconds(2)), ReplayVerdict::Retransmit(REPLY));
}

#[test]
fn remembers_for_the_whole_window_and_little_longer() {
    // Wherever in its bucket the entry came.
    for start in [0, 1, 59, 60, 61] {
        let memory = memory(100, 1000);
        new_token(memory.admit(b"a", b"request", CLIENT, seconds(start)));
        assert_eq!(
            memory.admit(b"a", b"x", CLIENT, seconds(start + 600)),
            ReplayVerdict::Replay,
            "from {start}"
        );
        new_token(memory.admit(b"a", b"x", CLIENT, seconds(start + 661)));
    }
}

#[test]
fn a_longer_window_holds_from_then_on_and_a_shorter_one_changes_nothing() {
    let memory = memory(100, 1000);
    new_token(memory.admit(b"a", b"request", CLIENT, seconds(0)));
    memory.cover(seconds(1200));
    memory.cover(seconds(60));
    assert_eq!(memory.admit(b"a", b"x", CLIENT, seconds(1200)), ReplayVerdict::Replay);
    new_token(memory.admit(b"a", b"x", CLIENT, seconds(1261)));
}

#[test]
fn a_reading_from_before_the_newest_bucket_loses_nothing() {
    let memory = memory(100, 1000);
    new_token(memory.admit(b"a", b"request", CLIENT, seconds(60)));
    new_token(memory.admit(b"b", b"request", CLIENT, seconds(59)));
    assert_eq!(memory.admit(b"b", b"x", CLIENT, seconds(659)), ReplayVerdict::Replay);
}

#[test]
fn overflow_drops_the_oldest_bucket_and_counts() {
    let memory = memory(SHARDS as usize * 4, 1000);
    for number in 0..200_u64 {
        new_token(memory.admit(&number.to_le_bytes(), b"request", CLIENT, seconds(number)));
    }
    assert!(memory.overflows() > 0);
    assert!(memory.len() <= SHARDS as usize * 4);
    assert_eq!(memory.admit(&199_u64.to_le_bytes(), b"x", CLIENT, seconds(200)), ReplayVerdict::Replay);
}

#[test]
fn kept_replies_are_bounded_oldest_out() {
    let memory = memory(100, 10);
    for name in [b"a", b"b", b"c"] {
        let token = new_token(memory.admit(name, b"request", CLIENT, seconds(1)));
        memory.remember(token, REPLY, seconds(1));
    }
    assert!(matches!(memory.admit(b"a", b"request", CLIENT, seconds(2)), ReplayVerdict::Serve(_)));
    assert_eq!(memory.admit(b"b", b"request", CLIENT, seconds(2)), ReplayVerdict::Retransmit(REPLY));
    assert_eq!(memory.admit(b"c", b"request", CLIENT, seconds(2)), ReplayVerdict::Retransmit(REPLY));
}

#[test]
fn keeps_no_reply_larger_than_the_memory() {
    let memory = memory(100, 4);
    let token = new_token(memory.admit(b"a", b"request", CLIENT, seconds(1)));
    memory.remember(token, REPLY, seconds(1));
    let afresh = ReplayVerdict::Serve(token);
    assert_eq!(memory.admit(b"a", b"request", CLIENT, seconds(1)), afresh);
}

#[test]
fn of_two_replies_to_one_request_the_first_stays() {
    let memory = memory(100, 1000);
    let token = new_token(memory.admit(b"a", b"request", CLIENT, seconds(1)));
    memory.remember(token, REPLY, seconds(1));
    memory.remember(token, Bytes::from_static(b"second"), seconds(1));
    assert_eq!(memory.admit(b"a", b"request", CLIENT, seconds(1)), ReplayVerdict::Retransmit(REPLY));
}
