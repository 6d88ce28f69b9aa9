//! Tests of the whole: the binary end to end (`e2e`), golden vectors, layout rules, and codes of
//! reasons.

#[cfg(test)]
mod layouts;
#[cfg(test)]
mod reasons;
#[cfg(test)]
mod vectors;
