//! Saying the same fault again, but ever less often.

use std::time::Duration;

use tokio::time::Instant;

const FIRST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

/// What was last complained of, and when it may be said again.
#[derive(Debug, Default)]
pub(crate) struct Complaint {
    said: Option<Said>,
}

#[derive(Debug)]
struct Said {
    text: String,
    pause: Duration,
    next: Instant,
}

impl Complaint {
    /// Whether `text` is to be logged now: at once if it is new, then after 10 s, 20 s, … 10 minutes.
    pub(crate) fn is_due(&mut self, text: &str, now: Instant) -> bool {
        match &mut self.said {
            Some(said) if said.text == text => {
                if now < said.next {
                    return false;
                }
                said.pause = said.pause.saturating_mul(2).min(LONGEST_PAUSE);
                said.next = later(now, said.pause);
            }
            said => {
                *said =
                    Some(Said { text: text.to_owned(), pause: FIRST_PAUSE, next: later(now, FIRST_PAUSE) })
            }
        }
        true
    }

    /// The fault is over; true if there was one to take back.
    pub(crate) fn is_over(&mut self) -> bool {
        self.said.take().is_some()
    }
}

fn later(now: Instant, pause: Duration) -> Instant {
    now.checked_add(pause).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standing_fault_is_said_ever_less_often_and_a_new_one_at_once() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut complaint = Complaint::default();
        let cases = [
            ("down", 0, true),
            ("down", 9, false),
            ("down", 10, true),
            ("down", 29, false),
            ("down", 30, true),
            ("wrong password", 31, true),
            ("wrong password", 32, false),
            ("down", 33, true),
        ];
        for (text, seconds, expected) in cases {
            assert_eq!(complaint.is_due(text, at(seconds)), expected, "{text} at {seconds}");
        }
        assert!(complaint.is_over());
        assert!(!complaint.is_over());
        assert!(complaint.is_due("down", at(34)));
    }
}
