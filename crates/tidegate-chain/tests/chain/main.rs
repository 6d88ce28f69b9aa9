//! Reads and sends on a real anvil, and on endpoints that fail in every way we know.

mod connecting;
mod endpoints;
mod faults;
mod reading;
mod searching;
mod sending;
mod support;
