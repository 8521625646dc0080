//! The operational log: one line per event on standard error, as text for a person at a terminal, else as JSON.
//!
//! Values in it come from the network and the directory, so control characters, ANSI escapes and the characters
//! that turn the direction of writing are escaped before a line is written: one event is always one line.
//!
//! Lines go through a bounded queue to a thread that writes them: whoever logs waits for nobody who should read it.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use tracing::level_filters::LevelFilter;
use tracing::warn;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, fmt};

use super::queue::{Bounds, Queue};
use crate::config::{Log, LogFormat, LogLevel};

/// Lines that wait to be written; further ones are lost, and a line says how many.
const BOUNDS: Bounds = Bounds { items: 16_384, octets: 4 << 20, gather: Duration::ZERO };

/// How long the end of the process waits for the last lines to be written.
const LAST_LINES: Duration = Duration::from_millis(500);

/// Starts the log of this process. Libraries are heard from `warn` on only: at finer levels some print what they
/// send, and the directory's password is among it.
///
/// # Errors
/// Where a log was started before, or no thread can be.
pub fn start(settings: &Log) -> io::Result<Started> {
    let level = level_filter(settings.level);
    let filter = Targets::new()
        .with_target("kdc", level)
        .with_target("tgtx", level)
        .with_default(level.min(LevelFilter::WARN));
    let json = match settings.format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !io::stderr().is_terminal(),
    };
    let queue = Arc::new(Queue::new(BOUNDS));
    let queued = Arc::clone(&queue);
    let layer = lines(json, move || Queued(Arc::clone(&queued))).with_filter(filter);
    tracing_subscriber::registry().with(layer).try_init().map_err(io::Error::other)?;
    let (ends, ended) = channel::<()>();
    let written = Arc::clone(&queue);
    thread::Builder::new().name("tgtx-log".to_owned()).spawn(move || {
        write(&written, io::stderr);
        drop(ends);
    })?;
    Ok(Started { queue, ended })
}

/// A log that is written. Dropping it waits for the last lines, but not for long.
#[derive(Debug)]
#[must_use = "dropping it ends the log"]
pub struct Started {
    queue: Arc<Queue<Vec<u8>>>,
    ended: Receiver<()>,
}

impl Drop for Started {
    fn drop(&mut self) {
        self.queue.close();
        // Nothing is ever sent: the channel ends with the thread. Where it does not, nobody reads.
        let _ = self.ended.recv_timeout(LAST_LINES);
    }
}

/// Writes lines until the queue is closed and empty.
fn write<W: Write>(queue: &Queue<Vec<u8>>, writer: impl Fn() -> W) {
    let mut batch = Vec::new();
    loop {
        let taken = queue.take(&mut batch, None);
        // Whoever does not read standard error has no log; there is nobody else to tell.
        let _ = writer().write_all(&batch.concat());
        batch.clear();
        if taken.lost > 0 {
            warn!(lines = taken.lost, "lines of this log are lost: nobody read them in time");
        }
        if taken.orders.closed {
            return;
        }
    }
}

/// A writer of whole lines into the queue.
struct Queued(Arc<Queue<Vec<u8>>>);

impl Write for Queued {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.0.push(line.to_vec(), line.len()).is_err() {
            self.0.count_lost(1);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes each event as one line, in JSON or for people.
fn lines<W: Write + 'static>(
    json: bool,
    writer: impl Fn() -> W + Send + Sync + 'static,
) -> Box<dyn Layer<Registry> + Send + Sync> {
    let lines = fmt::layer().with_ansi(false).with_writer(move || OneLine(writer()));
    if json { lines.json().flatten_event(true).boxed() } else { lines.boxed() }
}

fn level_filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}

/// A writer that takes one whole event at a time, as `tracing_subscriber::fmt` hands it over, and lets no control
/// character through but the newline at its end.
struct OneLine<W>(W);

impl<W: Write> Write for OneLine<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        self.0.write_all(format!("{}\n", escape_control(text.trim_end_matches('\n'))).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Writes control, direction and line-separating characters as `\uXXXX`, which is also how JSON writes them.
#[must_use]
pub fn escape_control(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if is_unprintable(character) {
            escaped.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            escaped.push(character);
        }
    }
    escaped
}

fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{200e}' | '\u{200f}' | '\u{061c}'   // direction marks
            | '\u{2028}' | '\u{2029}'              // line and paragraph separator
            | '\u{202a}'..='\u{202e}'              // embeddings and overrides
            | '\u{2066}'..='\u{2069}') // isolates
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[test]
    fn one_event_is_one_line_without_control_characters() {
        let mut written = Vec::new();
        OneLine(&mut written).write_all("a\r\nb\u{1b}[2J \u{202e}gnp \u{9b}31m é\n".as_bytes()).unwrap();
        assert_eq!(
            String::from_utf8(written).unwrap(),
            "a\\u000d\\u000ab\\u001b[2J \\u202egnp \\u009b31m é\n"
        );
    }

    #[test]
    fn an_escaped_json_line_is_still_the_same_json() {
        let line = serde_json::to_string("x\u{202e}\u{9b}\u{7f}").unwrap();
        let escaped = escape_control(&line);
        assert_ne!(escaped, line);
        assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), "x\u{202e}\u{9b}\u{7f}");
    }

    #[test]
    fn lines_that_nobody_takes_are_lost_without_waiting_and_counted() {
        let queue = Arc::new(Queue::new(Bounds { items: 3, octets: 100, gather: Duration::ZERO }));
        let mut log = Queued(Arc::clone(&queue));
        for _ in 0..5 {
            log.write_all(b"line\n").unwrap();
        }
        let mut batch = Vec::new();
        assert_eq!(queue.take(&mut batch, None).lost, 2);
        assert_eq!(batch.concat(), b"line\nline\nline\n");
    }

    thread_local! {
        static WRITTEN: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }

    struct Written;

    impl Write for Written {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            WRITTEN.with_borrow_mut(|written| written.extend_from_slice(octets));
            Ok(octets.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The lines that one event with a hostile name in it becomes.
    fn logged(json: bool) -> String {
        WRITTEN.take();
        let subscriber = tracing_subscriber::registry().with(lines(json, || Written));
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(client = %"a\r\n\u{1b}[2J\",\"level\":\"error", "exchange {}", "b\nc");
        });
        String::from_utf8(WRITTEN.take()).unwrap()
    }

    #[test]
    fn a_hostile_name_stays_one_json_line_with_its_own_fields() {
        let line = logged(true);
        assert_eq!(line.matches('\n').count(), 1, "{line}");
        let event: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(event["level"], "INFO");
        assert!(event["client"].as_str().unwrap().starts_with('a'), "{line}");
    }

    #[test]
    fn a_hostile_name_stays_one_text_line() {
        let line = logged(false);
        assert_eq!(line.chars().filter(|character| character.is_control()).collect::<String>(), "\n");
    }

    #[test]
    fn libraries_are_not_heard_below_warn() {
        assert_eq!(LevelFilter::TRACE.min(LevelFilter::WARN), LevelFilter::WARN);
        assert_eq!(LevelFilter::ERROR.min(LevelFilter::WARN), LevelFilter::ERROR);
    }
}
