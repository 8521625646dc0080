//! A directory server that is the lab's, forwarded: it can hang, be slow and be away while the lab runs on.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, sleep};
use std::time::Duration;

use crate::lab::Lab;

/// How often the state is looked at.
const GLANCE: Duration = Duration::from_millis(10);

/// Forwards LDAPS to the lab until it is dropped.
#[derive(Debug)]
pub struct Forwarder {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

/// What a server does with its connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Serves,
    /// Octets wait this long, in each direction.
    Slow(Duration),
    /// Connections are accepted, and nothing more is said.
    Hangs,
    /// Connections are closed and refused.
    Away,
    /// As away, for good.
    Dropped,
}

impl Forwarder {
    /// Forwards from a free port of the lab's forwarder address of this number.
    ///
    /// # Panics
    /// Where it cannot listen.
    pub fn start(lab: &Lab, which: usize) -> Self {
        let address = *lab.forwarder_addresses.get(which).expect("a forwarder address");
        Self::start_at(lab, SocketAddr::new(address, 0))
    }

    /// Forwards from this address.
    ///
    /// # Panics
    /// Where it cannot listen.
    pub fn start_at(lab: &Lab, address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(Mutex::new(State::Serves));
        let target = SocketAddr::new(lab.kdc.ip(), 636);
        let seen = Arc::clone(&state);
        thread::spawn(move || listen(listener, address, target, &seen));
        Self { address, state }
    }

    /// Where it listens.
    pub fn ip(&self) -> IpAddr {
        self.address.ip()
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The URL of this server.
    pub fn url(&self) -> String {
        format!("ldaps://{}", self.address)
    }

    /// Keeps every connection open, takes new ones, and says nothing more.
    pub fn hang(&self) {
        *lock(&self.state) = State::Hangs;
    }

    /// Lets octets wait.
    pub fn slow_down(&self, pause: Duration) {
        *lock(&self.state) = State::Slow(pause);
    }

    /// Closes every connection and takes no new one.
    pub fn stop(&self) {
        *lock(&self.state) = State::Away;
        // The listener closes within a glance; from then on nobody can get in.
        while TcpStream::connect(self.address).is_ok() {
            sleep(GLANCE);
        }
    }

    /// Serves again.
    pub fn resume(&self) {
        *lock(&self.state) = State::Serves;
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        *lock(&self.state) = State::Dropped;
    }
}

fn listen(first: TcpListener, address: SocketAddr, target: SocketAddr, state: &Arc<Mutex<State>>) {
    let mut listener = Some(first);
    loop {
        match read(state) {
            State::Dropped => return,
            State::Away => listener = None,
            State::Serves | State::Slow(_) | State::Hangs => {
                if listener.is_none() {
                    listener = TcpListener::bind(address).ok();
                }
            }
        }
        let accepted = listener.as_ref().map(|listener| {
            listener.set_nonblocking(true).expect("a listener that does not wait");
            listener.accept()
        });
        match accepted {
            Some(Ok((client, _))) => {
                let state = Arc::clone(state);
                thread::spawn(move || forward(&client, target, &state));
            }
            _ => sleep(GLANCE),
        }
    }
}

/// Moves octets both ways until one side closes or the server goes away.
fn forward(client: &TcpStream, target: SocketAddr, state: &Mutex<State>) {
    let server = TcpStream::connect(target).expect("the lab");
    for stream in [client, &server] {
        stream.set_nonblocking(false).expect("a socket that waits");
        stream.set_read_timeout(Some(GLANCE)).expect("a time-out");
    }
    thread::scope(|scope| {
        scope.spawn(|| pump(client, &server, state));
        pump(&server, client, state);
    });
}

fn pump(mut from: &TcpStream, mut to: &TcpStream, state: &Mutex<State>) {
    let mut buffer = vec![0; 65_536];
    loop {
        let octets = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => buffer.get(..count).unwrap_or_default(),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => &[],
            Err(_) => break,
        };
        // Looked at after reading: nothing that comes after `hang` or `stop` gets through.
        let now = loop {
            match read(state) {
                State::Hangs => sleep(GLANCE),
                other => break other,
            }
        };
        match now {
            State::Away | State::Dropped => break,
            State::Slow(pause) if !octets.is_empty() => sleep(pause),
            State::Serves | State::Slow(_) | State::Hangs => {}
        }
        if to.write_all(octets).is_err() {
            break;
        }
    }
    // The other direction reads the end and stops as well.
    for stream in [from, to] {
        let _ = stream.shutdown(Shutdown::Both);
    }
}

fn read(state: &Mutex<State>) -> State {
    *lock(state)
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
