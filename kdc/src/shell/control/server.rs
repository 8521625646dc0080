//! Who asks is checked, answered and let go.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use super::controlled::Controlled;
use super::keys::Keys;
use super::status::Status;
use super::{Answer, ControlSocket, Draining, LONGEST_REQUEST, Request, SCHEMA};
use crate::shell::reload::KeyRemoval;

/// Clients served at once; others wait in the listener's queue.
const CLIENTS: usize = 16;

/// For reading the request, and again for writing the answer.
const PATIENCE: Duration = Duration::from_secs(4);

/// How long to wait after a failed accept, which is mostly a process out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Answers on the socket, for ever.
pub async fn serve(socket: ControlSocket, controlled: Arc<Controlled>) {
    let (socket, seats) = (Arc::new(socket), Arc::new(Semaphore::new(CLIENTS)));
    // Fails only for a closed semaphore, and nobody closes this one.
    while let Ok(seat) = Arc::clone(&seats).acquire_owned().await {
        match socket.listener().accept().await {
            Ok((stream, _)) => {
                let (socket, controlled) = (Arc::clone(&socket), Arc::clone(&controlled));
                tokio::spawn(async move {
                    // Whatever goes wrong is the client's loss alone.
                    let _ = converse(stream, &socket, &controlled).await;
                    drop(seat);
                });
            }
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn converse(mut stream: UnixStream, socket: &ControlSocket, controlled: &Controlled) -> io::Result<()> {
    let peer = stream.peer_cred()?;
    if !socket.admits(peer) {
        warn!(uid = peer.uid(), gid = peer.gid(), "refused on the control socket");
        return Ok(());
    }
    let line = timeout(PATIENCE, read_line(&mut stream)).await??;
    let answer = match serde_json::from_slice::<Request>(&line) {
        Ok(request) => {
            info!(uid = peer.uid(), pid = peer.pid(), ?request, "asked on the control socket");
            controlled.answer(request).await
        }
        Err(error) => Answer::Error(format!("not understood: {error}")),
    };
    let mut answer = serde_json::to_vec(&answer)?;
    answer.push(b'\n');
    timeout(PATIENCE, stream.write_all(&answer)).await?
}

/// What comes before the first line end, or before the end.
async fn read_line(stream: &mut UnixStream) -> io::Result<Vec<u8>> {
    let mut line = Vec::with_capacity(LONGEST_REQUEST);
    loop {
        if let Some(end) = line.iter().position(|octet| *octet == b'\n') {
            line.truncate(end);
            return Ok(line);
        }
        let room = LONGEST_REQUEST.saturating_sub(line.len());
        let limit = u64::try_from(room).unwrap_or(0);
        if room == 0 || stream.take(limit).read_buf(&mut line).await? == 0 {
            return Ok(line);
        }
    }
}

impl Controlled {
    async fn answer(&self, request: Request) -> Answer {
        match request {
            Request::Status => Answer::Status(Box::new(Status::of(self))),
            Request::Keys => Answer::Keys(Keys::of(&self.service.generation(), self.service.clock().now())),
            Request::Reload { allow_key_removal } => {
                let removal = if allow_key_removal { KeyRemoval::Allowed } else { KeyRemoval::Refused };
                // To its end, whether or not the client waits for it.
                let reloader = Arc::clone(&self.reloader);
                match tokio::spawn(async move { reloader.reload(removal).await }).await {
                    Ok(outcome) => Answer::Reload(outcome.into()),
                    Err(_) => Answer::Error("the reload ended with a defect; the log has it".to_owned()),
                }
            }
            Request::Drain => {
                Answer::Drain(Draining { schema: SCHEMA, stops_in_seconds: self.drain.begin().as_secs() })
            }
        }
    }
}
