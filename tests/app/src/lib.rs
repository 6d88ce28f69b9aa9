//! A front end that is a test: see `tests/`.
