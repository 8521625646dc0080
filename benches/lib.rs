//! What is measured in the process, without sockets and without a directory server.
//!
//! [`cases`] lists it, each case under a name of its own. The program `costs` puts the list before a [`Meter`]: one that
//! takes times, or one that lets Valgrind count instructions. `floor` holds the exchange against the cryptography in it.

pub mod cases;
mod fixtures;

/// Something that measures.
pub trait Meter {
    /// Measures `work`, each time on an input of its own. Neither making the input nor dropping what comes out counts.
    ///
    /// # Panics
    /// Where what comes out is not what is `expected`: then the figure would be that of something else.
    fn measure<I, O>(
        &mut self,
        name: &str,
        input: impl FnMut() -> I,
        work: impl FnMut(I) -> O,
        expected: impl Fn(&O) -> bool,
    );

    /// The same for work without an input.
    fn repeat<O>(&mut self, name: &str, mut work: impl FnMut() -> O, expected: impl Fn(&O) -> bool) {
        self.measure(name, || (), |()| work(), expected);
    }
}
