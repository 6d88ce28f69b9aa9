//! Tests of the whole: the binary end to end (`e2e`), golden vectors, layout rules, upgrade safety,
//! codes of reasons, and the same projects built by forge.

#[cfg(test)]
mod forge;
#[cfg(test)]
mod layouts;
#[cfg(test)]
mod reasons;
#[cfg(test)]
mod safety;
#[cfg(test)]
mod upgrades_core;
#[cfg(test)]
mod vectors;
