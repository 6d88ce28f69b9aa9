//! Tests of the whole: the binary end to end (`e2e`), and golden vectors.

#[cfg(test)]
mod vectors;
