//! Tests of the whole: the binary end to end (`e2e`), golden vectors, and layout rules.

#[cfg(test)]
mod layouts;
#[cfg(test)]
mod vectors;
