//! More reads at once than a directory answers at once: none is asked for twice, and to wait for one's turn is not
//! taken for the directory's silence.

#![expect(clippy::arithmetic_side_effects, reason = "a test that cannot be set up has failed")]

use std::num::NonZeroUsize;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tgtx_tests::directory_server::DirectoryServer;
use tgtx_tests::scene;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::advance;

const DOMAIN: &str = include_str!("support/domain.ldif");
/// Objects that are wanted at once: several times as many as are asked for at once.
const OBJECTS: u32 = 120;
/// The directory answers so many of them, and then none for almost as long as it may be silent.
const AT_ONCE: u32 = 12;
const SEARCH_TIMEOUT: Duration = Duration::from_secs(1);
const ALMOST: Duration = Duration::from_millis(999);

fn domain() -> String {
    let groups = (0..OBJECTS).map(|number| {
        let (dn, sid) =
            (format!("CN=group-{number},OU=Staff,DC=lab,DC=example"), scene::sid(20_000 + number));
        format!("\ndn: {dn}\nobjectClass: group\nobjectSid: {sid}\ngroupType: -2147483640\n")
    });
    format!("{DOMAIN}{}", groups.collect::<String>())
}

/// The clock goes on where the test says so: for all together, nine seconds and more.
#[tokio::test(start_paused = true)]
async fn a_storm_waits_for_a_directory_that_is_slower_and_each_is_asked_for_once() {
    // tokio moves a paused clock on whenever it has nothing to do, for which it takes waiting for the network, but not
    // while something blocks.
    let (_unblock, blocked) = channel::<()>();
    let _clock_stands = spawn_blocking(move || blocked.recv());

    let (let_go, held) = channel();
    let held = Mutex::new(held);
    let server = DirectoryServer::pacing(&domain(), move || {
        // At the end of the test there is nobody to answer.
        let _ = held.lock().expect("the turnstile").recv();
    });
    let (directory, _folder) = server.client(NonZeroUsize::MIN, SEARCH_TIMEOUT);
    let directory = Arc::new(directory);
    let mut reads = JoinSet::new();
    for number in 0..OBJECTS {
        let directory = Arc::clone(&directory);
        reads.spawn(async move { directory.find(&scene::sid(20_000 + number), &["objectSid"]).await });
    }
    for _ in 0..OBJECTS / AT_ONCE {
        for _ in 0..AT_ONCE {
            let_go.send(()).expect("a server");
        }
        for _ in 0..AT_ONCE {
            let read = reads.join_next().await.expect("a read");
            assert!(read.expect("a task").expect("an answer").expect("an object").has("objectSid"));
        }
        advance(ALMOST).await;
    }
    assert_eq!(server.reads_by_sid(), OBJECTS as usize);
}
