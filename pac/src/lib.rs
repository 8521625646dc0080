//! Privilege attribute certificates.
