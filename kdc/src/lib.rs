//! tgt-exchanger.
