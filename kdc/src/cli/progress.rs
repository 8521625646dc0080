//! How far a verb has come that looks at every account.

use std::io::{self, IsTerminal, Write};

/// How many accounts there are between two signs of progress.
const STRIDE: usize = 250;

/// A line on a terminal that is written over, and taken away in the end.
#[derive(Default)]
pub(super) struct Progress {
    shown: bool,
}

impl Progress {
    pub(super) fn show(&mut self, accounts: usize) {
        let mut terminal = io::stderr();
        if accounts.is_multiple_of(STRIDE) && terminal.is_terminal() {
            // Nothing depends on whether it can be seen.
            let _ = write!(terminal, "\r{accounts} accounts");
            self.shown = true;
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
