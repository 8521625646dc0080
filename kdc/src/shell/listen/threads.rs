//! The threads that serve sockets, and how they end.
//!
//! A UDP socket has a thread that receives, answers and sends. TCP listeners have threads with a runtime of their own
//! each: a connection is accepted, read, answered and closed on one thread.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::{Notify, watch};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::sleep;

use super::pulse::{Pulse, Pulses};
use super::tcp;
use super::udp_socket::ServerSocket;
use crate::shell::origin::Protocol;

/// Between two signs that a thread of TCP connections goes round.
const BEAT: Duration = Duration::from_millis(100);

/// How long a stop waits for the request of a connection that was the last to be taken.
const LAST_ANSWERS: Duration = Duration::from_millis(50);

/// The threads of a daemon. Dropping it ends the TCP connections and lets go of the rest.
#[derive(Debug, Default)]
pub struct Threads {
    receiving: Vec<(Arc<ServerSocket>, JoinHandle<()>)>,
    conversing: Vec<JoinHandle<()>>,
    pulses: Vec<Arc<Pulse>>,
    /// Ends the threads of TCP connections, and the connections with them.
    finish: watch::Sender<()>,
    ended: Arc<Notify>,
}

/// Tells that its thread has ended.
struct Ending(Arc<Notify>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl Threads {
    /// Starts a thread that serves `socket` until that is stopped.
    ///
    /// # Errors
    /// The kernel's, which has no more threads.
    pub fn receive(
        &mut self,
        name: &str,
        socket: Arc<ServerSocket>,
        serve: impl FnOnce() + Send + 'static,
    ) -> io::Result<()> {
        let thread = self.start(name, serve)?;
        self.pulses.push(Arc::clone(socket.pulse()));
        self.receiving.push((socket, thread));
        Ok(())
    }

    /// Starts a thread that serves every connection to these listeners.
    ///
    /// # Errors
    /// The kernel's, which has no more threads or descriptors.
    pub fn converse(
        &mut self,
        listeners: Vec<(Protocol, TcpListener)>,
        shared: &Arc<tcp::Shared>,
    ) -> io::Result<()> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let mut accepting = JoinSet::new();
        for (protocol, listener) in listeners {
            let inside = runtime.enter();
            let listener = tokio::net::TcpListener::from_std(listener)?;
            drop(inside);
            let serve = tcp::serve(listener, protocol, Arc::clone(shared), self.finish.subscribe());
            accepting.spawn_on(serve, runtime.handle());
        }
        let pulse = Arc::<Pulse>::default();
        self.pulses.push(Arc::clone(&pulse));
        runtime.spawn(beat(pulse));
        let mut finish = self.finish.subscribe();
        let thread = self.start("tgtx-tcp", move || {
            runtime.block_on(async {
                tokio::select! {
                    // What is said matters as little as whether anybody is left to say it.
                    _ = finish.changed() => {}
                    Some(Err(_defect)) = accepting.join_next() => return,
                }
                while accepting.join_next().await.is_some() {}
                sleep(LAST_ANSWERS).await;
            });
        })?;
        self.conversing.push(thread);
        Ok(())
    }

    fn start(&self, name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
        let ending = Ending(Arc::clone(&self.ended));
        thread::Builder::new().name(name.to_owned()).spawn(move || {
            let _ending = ending;
            run();
        })
    }

    /// The progress of all threads.
    #[must_use]
    pub fn pulses(&self) -> Pulses {
        Pulses::new(self.pulses.iter().cloned())
    }

    /// Ends when a thread has ended that was not told to, which only a defect makes it do.
    pub async fn failed(&self) {
        self.ended.notified().await;
    }

    /// Receives no more datagrams, and waits until those that have come are answered or handed over.
    pub async fn stop_receiving(&mut self) {
        for (socket, _) in &self.receiving {
            socket.stop();
        }
        join(self.receiving.drain(..).map(|(_, thread)| thread).collect()).await;
    }

    /// Takes no more connections, lets those that have just come be answered, and ends all.
    pub async fn finish(mut self) {
        self.finish.send_replace(());
        join(std::mem::take(&mut self.conversing)).await;
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        for (socket, _) in &self.receiving {
            socket.stop();
        }
    }
}

/// Shows that the runtime of this thread goes round.
async fn beat(pulse: Arc<Pulse>) {
    pulse.turn();
    loop {
        sleep(BEAT).await;
        pulse.beat();
    }
}

/// A defect in one of them has been logged by it.
async fn join(threads: Vec<JoinHandle<()>>) {
    let _ = spawn_blocking(move || threads.into_iter().for_each(|thread| drop(thread.join()))).await;
}
