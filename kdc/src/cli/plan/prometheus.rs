//! A Prometheus, asked for what it has scraped (its HTTP API, `/api/v1/query`): plain HTTP, one question a connection.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;

use super::counters::{Counters, METRICS};
use super::error::PlanError;
use crate::client::until::Until;
use crate::config::HostPort;

/// Prometheus' own.
const PORT: u16 = 9090;

/// For a connection, and for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// One number is asked for at a time, so that a longer answer is none.
const LONGEST_ANSWER: u64 = 1 << 20;

/// `http://HOST[:PORT][/PATH]`
#[derive(Clone, Debug)]
pub(super) struct Prometheus {
    server: HostPort,
    path: String,
}

impl FromStr for Prometheus {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rest =
            text.strip_prefix("http://").ok_or("write http://HOST[:PORT]; https:// is not supported")?;
        let (server, path) = rest.split_once('/').unwrap_or((rest, ""));
        let is_plain = |octet: u8| octet.is_ascii_graphic() && octet != b'?' && octet != b'#';
        if !path.bytes().all(is_plain) {
            return Err("has a query, or a path that is none");
        }
        Ok(Self { server: HostPort::parse(server, PORT)?, path: path.trim_end_matches('/').to_owned() })
    }
}

impl fmt::Display for Prometheus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.server)?;
        if self.path.is_empty() { Ok(()) } else { write!(f, "/{}", self.path) }
    }
}

/// An answer of the API, as far as it is read.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(default)]
    result: Vec<Sample>,
}

/// Time and value.
#[derive(Deserialize)]
struct Sample {
    value: (f64, String),
}

impl Prometheus {
    /// By how much the daemons' counters grew within the window.
    pub(super) fn counters(&self, selector: &str, window: Duration) -> Result<Counters, PlanError> {
        let seconds = window.as_secs();
        let mut counters = Counters::default();
        for (metric, field) in METRICS {
            *field(&mut counters) = self
                .ask(&format!("sum(increase({metric}{{{selector}}}[{seconds}s]))"))?
                .ok_or_else(|| PlanError::Missing(metric).of(self.to_string()))?;
        }
        Ok(counters)
    }

    /// The highest rate of exchanges within the window, over five minutes each.
    pub(super) fn peak(&self, selector: &str, window: Duration) -> Result<f64, PlanError> {
        let seconds = window.as_secs();
        let rate = format!("sum(rate(tgtx_exchanges_total{{{selector}}}[5m]))");
        let peak = self.ask(&format!("max_over_time({rate}[{seconds}s:1m])"))?;
        peak.ok_or_else(|| PlanError::Missing("tgtx_exchanges_total").of(self.to_string()))
    }

    /// The one number that an expression is; `None` where there is nothing to make it of.
    fn ask(&self, expression: &str) -> Result<Option<f64>, PlanError> {
        let answer =
            self.get(expression).map_err(|error| PlanError::Unreachable { url: self.to_string(), error })?;
        let said = |said: String| PlanError::Prometheus { url: self.to_string(), said };
        let text = str::from_utf8(&answer).map_err(|_| said("answers with what is no text".to_owned()))?;
        let (head, body) =
            text.split_once("\r\n\r\n").ok_or_else(|| said("does not answer in HTTP".to_owned()))?;
        let answer: Answer = serde_json::from_str(body).map_err(|_| {
            said(format!(
                "answers \"{}\", and no JSON of Prometheus",
                head.lines().next().unwrap_or_default().escape_debug()
            ))
        })?;
        if let Some(error) = answer.error {
            return Err(said(error.escape_debug().to_string()));
        }
        let result = answer.data.map(|data| data.result).unwrap_or_default();
        let value = result.first().map(|sample| sample.value.1.parse::<f64>());
        match value {
            None => Ok(None),
            Some(Ok(value)) if value.is_finite() => Ok(Some(value)),
            Some(_) => Err(said("answers with what is no number".to_owned())),
        }
    }

    /// Asks in HTTP/1.0, whose answers end with the connection and come in one piece.
    fn get(&self, expression: &str) -> io::Result<Vec<u8>> {
        let HostPort { host, port } = &self.server;
        let address = (host.as_str(), *port).to_socket_addrs()?.next();
        let address = address.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no address found"))?;
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let path = if self.path.is_empty() { String::new() } else { format!("/{}", self.path) };
        let query = percent_encoded(expression);
        let request =
            format!("GET {path}/api/v1/query?query={query} HTTP/1.0\r\nHost: {}\r\n\r\n", self.server);
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        Until::within(PATIENCE, &stream).take(LONGEST_ANSWER).read_to_end(&mut answer)?;
        Ok(answer)
    }
}

/// RFC 3986 §2: whatever is not unreserved.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for octet in text.bytes() {
        match octet {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(octet))
            }
            _ => encoded.push_str(&format!("%{octet:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    #[test]
    fn a_url_is_plain_http_with_or_without_a_port_and_a_path() {
        for (text, shown) in [
            ("http://p.example", "http://p.example:9090"),
            ("http://p.example:80/prometheus/", "http://p.example:80/prometheus"),
            ("http://[2001:db8::1]", "http://[2001:db8::1]:9090"),
        ] {
            assert_eq!(text.parse::<Prometheus>().unwrap().to_string(), shown);
        }
        for wrong in
            ["p.example", "https://p.example", "http://", "http://p:x", "http://p/?q", "http://p/a b"]
        {
            assert!(wrong.parse::<Prometheus>().is_err(), "{wrong}");
        }
    }

    /// Answers each connection with this, and hands back what it was asked.
    #[expect(clippy::disallowed_methods, reason = "the test's own socket")]
    fn server(answer: &'static str) -> (Prometheus, thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let prometheus = format!("http://{}/x", listener.local_addr().unwrap()).parse().unwrap();
        let served = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = String::new();
            BufReader::new(&stream).read_line(&mut asked).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            asked
        });
        (prometheus, served)
    }

    #[test]
    fn the_answer_is_one_number() {
        let answer = "HTTP/1.0 200 OK\r\n\r\n{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\
                      \"result\":[{\"metric\":{},\"value\":[1800000000.1,\"12.5\"]}]}}";
        let (prometheus, served) = server(answer);
        assert_eq!(prometheus.ask("sum(x{job=\"a\"})").unwrap(), Some(12.5));
        assert_eq!(
            served.join().unwrap(),
            "GET /x/api/v1/query?query=sum%28x%7Bjob%3D%22a%22%7D%29 HTTP/1.0\r\n"
        );
    }

    #[test]
    fn what_is_no_answer_is_said() {
        for (answer, told) in [
            ("HTTP/1.0 200 OK\r\n\r\n{\"data\":{\"result\":[]}}", None),
            (
                "HTTP/1.0 400 Bad Request\r\n\r\n{\"status\":\"error\",\"error\":\"parse error\"}",
                Some("parse error"),
            ),
            ("HTTP/1.0 404 Not Found\r\n\r\nnothing here", Some("404 Not Found")),
            ("HTTP/1.0 200 OK\r\n\r\n{\"data\":{\"result\":[{\"value\":[1,\"NaN\"]}]}}", Some("no number")),
            ("SSH-2.0-OpenSSH\r\n", Some("HTTP")),
            ("", Some("HTTP")),
        ] {
            let (prometheus, served) = server(answer);
            match (prometheus.ask("x"), told) {
                (Ok(None), None) => {}
                (Err(error), Some(told)) => assert!(error.to_string().contains(told), "{error}"),
                (asked, _) => panic!("{answer}: {asked:?}"),
            }
            served.join().unwrap();
        }
    }
}
