//! What Active Directory's clients look up in DNS, and what an instance is to be found by there. Pure: nobody is
//! asked here.

pub mod names;
pub mod records;
