//! The steps of a probe, and how each went.

use std::net::SocketAddr;
use std::time::Duration;

use crate::shell::clock::Clock;

/// Turns the table below into [`Step`] and its labels.
macro_rules! steps {
    ($($(#[$doc:meta])* $variant:ident = $label:literal, $needed:literal;)+) => {
        /// A step. `docs/probe.md` explains each to operators.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Step { $($(#[$doc])* $variant,)+ }

        impl Step {
            /// Every step, in the order they are taken.
            pub(super) const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The stable name in text, JSON and metrics.
            pub(super) const fn label(self) -> &'static str {
                match self { $(Self::$variant => $label,)+ }
            }

            /// Whether the canary has not got what it must where this fails. A client has another way round the others.
            const fn is_needed(self) -> bool {
                match self { $(Self::$variant => $needed,)+ }
            }
        }
    };
}

steps! {
    /// SRV records, and an LDAP ping to whom they name.
    Discovery = "discovery", false;
    /// The request in a datagram.
    Udp = "udp", false;
    /// The request in a TCP connection.
    Tcp = "tcp", false;
    /// The answer opens, belongs to the request, and is what is expected.
    Reply = "reply", true;
    /// What the client is told of the full TGT.
    Ticket = "ticket", true;
    /// What is in the full TGT.
    Pac = "pac", true;
    /// Both signatures of its PAC.
    Signatures = "signatures", true;
    /// The user's key.
    KeyList = "key_list", true;
}

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Ok,
    Failed,
    Skipped,
}

impl Verdict {
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// A step that was taken, or left out.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) step: Step,
    pub(super) verdict: Verdict,
    /// How long it took; zero for one left out.
    pub(super) duration: Duration,
    /// What was found, what is wrong, or why it was left out.
    pub(super) detail: String,
}

/// How a probe went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Each step that was taken went well.
    Ok,
    /// The canary got what it must, and something on the way failed.
    Degraded,
    /// It did not.
    Failed,
}

impl Outcome {
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Failed => "failed",
        }
    }
}

/// What has been done so far.
#[derive(Debug)]
pub(super) struct Log {
    clock: Clock,
    /// Who is asked, once that is known.
    pub(super) kdc: Option<SocketAddr>,
    pub(super) taken: Vec<Taken>,
}

impl Log {
    pub(super) fn start() -> Self {
        Self { clock: Clock::start(), kdc: None, taken: Vec::new() }
    }

    /// Takes a step: what it brought and what to say of it, or what is wrong.
    pub(super) fn take<T>(
        &mut self,
        step: Step,
        does: impl FnOnce() -> Result<(T, String), String>,
    ) -> Option<T> {
        let before = self.clock.elapsed();
        let done = does();
        let duration = self.clock.elapsed().saturating_sub(before);
        let (brought, verdict, detail) = match done {
            Ok((brought, detail)) => (Some(brought), Verdict::Ok, detail),
            Err(detail) => (None, Verdict::Failed, detail),
        };
        self.taken.push(Taken { step, verdict, duration, detail });
        brought
    }

    /// Leaves a step out.
    pub(super) fn skip(&mut self, step: Step, why: &str) {
        self.taken.push(Taken {
            step,
            verdict: Verdict::Skipped,
            duration: Duration::ZERO,
            detail: why.to_owned(),
        });
    }

    /// Leaves out whatever has not been taken or left out yet.
    pub(super) fn skip_rest(&mut self, why: &str) {
        for &step in Step::ALL {
            if !self.taken.iter().any(|taken| taken.step == step) {
                self.skip(step, why);
            }
        }
    }

    /// The first step that failed.
    pub(super) fn failed(&self) -> Option<Step> {
        self.taken.iter().find(|taken| taken.verdict == Verdict::Failed).map(|taken| taken.step)
    }

    /// How it went. An answer that was never read is no success, whatever came before it.
    pub(super) fn outcome(&self) -> Outcome {
        let replied =
            self.taken.iter().any(|taken| taken.step == Step::Reply && taken.verdict == Verdict::Ok);
        let fails = |taken: &Taken| taken.verdict == Verdict::Failed;
        if !replied || self.taken.iter().any(|taken| fails(taken) && taken.step.is_needed()) {
            Outcome::Failed
        } else if self.taken.iter().any(fails) {
            Outcome::Degraded
        } else {
            Outcome::Ok
        }
    }

    /// What the steps took together.
    pub(super) fn duration(&self) -> Duration {
        self.taken.iter().map(|taken| taken.duration).fold(Duration::ZERO, Duration::saturating_add)
    }
}
