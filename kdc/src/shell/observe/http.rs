//! The observer's listener: `/metrics`, `/healthz` and `/readyz` over HTTP/1.1, and 404 for everything else.
//!
//! A small one of our own, because the exporter's answers every path with the metrics. It reads one bounded
//! request, answers it and closes; connections, header octets and time are limited, so that nobody who can reach
//! it takes more from the daemon than a few tasks. Who connects and says nothing gives way to who comes after, so that
//! silence keeps no observer out.

use std::io;
use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use super::process;
use super::readiness::Report;
use crate::shell::listen::connections::{Connections, Seat};

/// Observers connected at once. One more takes the place of the one that has been waited for longest.
const CONNECTIONS: usize = 64;

/// Octets of a request's head.
const HEAD_LIMIT: usize = 8 << 10;

/// For reading the head, and again for writing the answer.
const PATIENCE: Duration = Duration::from_secs(4);

/// Between two drains of the recorder's histograms, which otherwise grow with every sample.
const UPKEEP: Duration = Duration::from_secs(5);

/// How long to wait after a failed accept, which is mostly a process out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Upper bounds of the duration histograms, in seconds; every metric whose name ends so has these.
const DURATION_BUCKETS: [f64; 12] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];

/// Upper bounds of the size histograms, in octets: UDP without and with fragments, and TCP.
const SIZE_BUCKETS: [f64; 9] = [512.0, 1024.0, 1465.0, 2048.0, 4096.0, 8192.0, 16_384.0, 49_152.0, 65_536.0];

/// Upper bounds of the numbers of an account's groups; with more than 1,010 Windows lets nobody sign in.
const GROUP_BUCKETS: [f64; 10] = [10.0, 25.0, 50.0, 100.0, 200.0, 400.0, 700.0, 1010.0, 2000.0, 4000.0];

/// Upper bounds of how far the clients' clocks are from ours, in seconds: as a rule requests fail beyond 300.
const SKEW_BUCKETS: [f64; 7] = [1.0, 5.0, 15.0, 60.0, 120.0, 300.0, 600.0];

/// Makes this process' metrics recorder. Call it before any metric's handle is taken.
///
/// # Errors
/// [`BuildError`] where a recorder is installed already.
pub fn install_recorder() -> Result<PrometheusHandle, BuildError> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_duration_seconds".to_owned()), &DURATION_BUCKETS)?
        .set_buckets_for_metric(Matcher::Suffix("_size_bytes".to_owned()), &SIZE_BUCKETS)?
        .set_buckets_for_metric(Matcher::Full("tgtx_pac_groups".to_owned()), &GROUP_BUCKETS)?
        .set_buckets_for_metric(Matcher::Full("tgtx_policy_groups_evaluated".to_owned()), &GROUP_BUCKETS)?
        .set_buckets_for_metric(Matcher::Full("tgtx_clock_skew_seconds".to_owned()), &SKEW_BUCKETS)?
        .install_recorder()
}

/// Drains the recorder every few seconds, for ever.
pub async fn keep_recorder_small(metrics: PrometheusHandle) {
    loop {
        sleep(UPKEEP).await;
        metrics.run_upkeep();
    }
}

/// Answers observers on `listener`, for ever; `readiness` is what `/readyz` says when it is asked.
pub async fn serve<R>(listener: TcpListener, metrics: PrometheusHandle, readiness: R)
where
    R: Fn() -> Report + Clone + Send + Sync + 'static,
{
    let connections = Connections::new(CONNECTIONS, 0);
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // There is none only where all of them are being answered at this moment.
                let Ok(seat) = connections.enter(peer.ip()) else { continue };
                let (metrics, readiness) = (metrics.clone(), readiness.clone());
                tokio::spawn(async move {
                    // Whatever goes wrong is the observer's loss alone.
                    let _ = converse(stream, seat, &metrics, &readiness).await;
                });
            }
            Err(_) => {
                connections.make_room();
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn converse(
    mut stream: TcpStream,
    mut seat: Seat,
    metrics: &PrometheusHandle,
    readiness: &impl Fn() -> Report,
) -> io::Result<()> {
    let head = tokio::select! {
        biased;
        head = timeout(PATIENCE, read_head(&mut stream)) => head,
        () = seat.evicted() => return Ok(()),
    };
    seat.work();
    let answer = match head {
        Ok(Ok(Head::Whole(head))) => answer(&head, metrics, readiness),
        Ok(Ok(Head::TooLong)) => {
            Answer::text("431 Request Header Fields Too Large", "request head too long\n")
        }
        Ok(Ok(Head::Cut)) => return Ok(()),
        Ok(Err(error)) => return Err(error),
        Err(_) => Answer::text("408 Request Timeout", "no request within four seconds\n"),
    };
    // Who does not take its answer is no reason to keep others out either.
    seat.rest();
    let octets = answer.into_octets();
    let send = async {
        stream.write_all(&octets).await?;
        stream.shutdown().await
    };
    tokio::select! {
        biased;
        sent = timeout(PATIENCE, send) => sent?,
        () = seat.evicted() => Ok(()),
    }
}

enum Head {
    Whole(Vec<u8>),
    TooLong,
    Cut,
}

/// Reads up to the empty line; a body that follows is not looked at.
async fn read_head(stream: &mut TcpStream) -> io::Result<Head> {
    let mut head = Vec::with_capacity(1024);
    loop {
        if stream.read_buf(&mut head).await? == 0 {
            return Ok(Head::Cut);
        }
        if head.windows(4).any(|end| end == b"\r\n\r\n") {
            return Ok(Head::Whole(head));
        }
        if head.len() >= HEAD_LIMIT {
            return Ok(Head::TooLong);
        }
    }
}

/// An answer before it is written.
struct Answer {
    status: &'static str,
    content_type: &'static str,
    body: String,
    without_body: bool,
}

impl Answer {
    fn text(status: &'static str, body: &str) -> Self {
        Self { status, content_type: "text/plain; charset=utf-8", body: body.to_owned(), without_body: false }
    }

    fn into_octets(self) -> Vec<u8> {
        let Self { status, content_type, body, without_body } = self;
        let length = body.len();
        let body = if without_body { "" } else { &body };
        format!(
            "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\
             Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n{body}"
        )
        .into_bytes()
    }
}

fn answer(head: &[u8], metrics: &PrometheusHandle, readiness: &impl Fn() -> Report) -> Answer {
    let Some((method, path)) = request_line(head) else {
        return Answer::text("400 Bad Request", "not an HTTP/1 request\n");
    };
    if !matches!(method, "GET" | "HEAD") {
        return Answer::text("405 Method Not Allowed", "only GET and HEAD\n");
    }
    let mut answer = match path {
        "/metrics" => Answer {
            content_type: "text/plain; version=0.0.4; charset=utf-8",
            ..Answer::text("200 OK", &page(metrics))
        },
        // That it is answered is the answer: it depends on nothing but this process.
        "/healthz" => Answer::text("200 OK", "ok\n"),
        "/readyz" => {
            let report = readiness();
            let status = if report.ready { "200 OK" } else { "503 Service Unavailable" };
            let body = serde_json::to_string(&report).unwrap_or_default();
            Answer { content_type: "application/json", ..Answer::text(status, &body) }
        }
        _ => Answer::text("404 Not Found", "here are /metrics, /healthz and /readyz\n"),
    };
    answer.without_body = method == "HEAD";
    answer
}

fn page(metrics: &PrometheusHandle) -> String {
    let mut page = metrics.render();
    process::write(&mut page);
    page
}

/// Method and path, without the query, of a request's first line (RFC 9112 §3).
fn request_line(head: &[u8]) -> Option<(&str, &str)> {
    let line = head.split(|&octet| octet == b'\r').next()?;
    let mut words = std::str::from_utf8(line).ok()?.split(' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    if words.next().is_some() || !version.starts_with("HTTP/1.") {
        return None;
    }
    Some((method, target.split_once('?').map_or(target, |(path, _)| path)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::shell::observe::readiness::{CheckName, Readiness};

    async fn start() -> (std::net::SocketAddr, Arc<Readiness>) {
        let recorder = PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&recorder, || metrics::counter!("tgtx_retransmits_total").increment(3));
        let readiness = Arc::new(Readiness::of_domains(["LAB.EXAMPLE"]));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let told = Arc::clone(&readiness);
        tokio::spawn(serve(listener, recorder.handle(), move || told.report()));
        (address, readiness)
    }

    async fn ask(address: std::net::SocketAddr, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut answer = String::new();
        // A refused request may be answered by a reset once the answer is read.
        let _ = stream.read_to_string(&mut answer).await;
        answer
    }

    #[tokio::test]
    async fn serves_metrics_as_text() {
        let (address, _) = start().await;
        let answer = ask(address, b"GET /metrics?x=1 HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains("text/plain; version=0.0.4"), "{answer}");
        assert!(answer.contains("tgtx_retransmits_total 3"), "{answer}");
        assert!(answer.contains("\nprocess_resident_memory_bytes "), "{answer}");
    }

    #[tokio::test]
    async fn readiness_is_a_list_of_checks_and_503_while_one_fails() {
        let (address, readiness) = start().await;
        let answer = ask(address, b"GET /readyz HTTP/1.1\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        assert!(
            answer.contains(r#"{"name":"keys","domain":"LAB.EXAMPLE","ok":false,"detail":"not yet known"}"#),
            "{answer}"
        );
        for name in CheckName::OF_A_DOMAIN {
            readiness.set("LAB.EXAMPLE", name, Ok(()));
        }
        let answer = ask(address, b"GET /readyz HTTP/1.1\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains(r#"{"ready":true,"#), "{answer}");
    }

    #[tokio::test]
    async fn health_is_a_matter_of_the_process_alone() {
        let (address, _) = start().await;
        assert!(ask(address, b"GET /healthz HTTP/1.1\r\n\r\n").await.starts_with("HTTP/1.1 200 "));
    }

    #[tokio::test]
    async fn refuses_everything_else() {
        let (address, _) = start().await;
        let cases: [(&[u8], &str); 5] = [
            (b"GET / HTTP/1.1\r\n\r\n", "404"),
            (b"GET /metrics/ HTTP/1.1\r\n\r\n", "404"),
            (b"POST /metrics HTTP/1.1\r\n\r\n", "405"),
            (b"\x16\x03\x01 \r\n\r\n", "400"),
            (b"GET /metrics HTTP/2\r\n\r\n", "400"),
        ];
        for (request, status) in cases {
            let answer = ask(address, request).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        }
    }

    #[tokio::test]
    async fn a_head_without_end_is_cut_off() {
        let (address, _) = start().await;
        let request = [b"GET /metrics HTTP/1.1\r\nX: ".as_slice(), &vec![b'a'; HEAD_LIMIT - 25]].concat();
        assert!(ask(address, &request).await.starts_with("HTTP/1.1 431 "));
    }

    #[tokio::test]
    async fn head_requests_get_the_length_only() {
        let (address, _) = start().await;
        let answer = ask(address, b"HEAD /healthz HTTP/1.1\r\n\r\n").await;
        assert!(answer.contains("Content-Length: 3\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
    }
}
