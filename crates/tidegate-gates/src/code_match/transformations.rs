//! What turned compiled code into the code that runs, as Sourcify records it.
//!
//! Immutables are named `Contract.variable` where Sourcify has the compiler's number of the
//! variable: that number changes when an unrelated file is added.

use std::collections::BTreeMap;

use alloy_primitives::Bytes;
use schemars::JsonSchema;
use serde::Serialize;
use tidegate_model::release::{Artifact, Code};

use super::Place;
use super::regions::regions;

/// The transformations of both codes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Transformations {
    /// Of runtime code.
    pub runtime: Steps,
    /// Of creation code.
    pub creation: Steps,
}

/// The transformations of one code.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Steps {
    /// Where.
    pub list: Vec<Step>,
    /// What.
    pub values: Values,
}

/// One transformation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Step {
    /// `replace` or `insert`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// `immutable`, `library`, `callProtection`, `cborAuxdata` or `constructorArguments`.
    pub reason: &'static str,
    /// The first byte.
    pub offset: usize,
    /// Which of the values of this reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// The values, by reason.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Values {
    /// By `file:Library`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, String>")]
    pub libraries: BTreeMap<String, Bytes>,
    /// By `Contract.variable`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, String>")]
    pub immutables: BTreeMap<String, Bytes>,
    /// By the number of the region, from 1.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, String>")]
    pub cbor_auxdata: BTreeMap<String, Bytes>,
    /// A library's own address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub call_protection: Option<Bytes>,
    /// What follows the creation code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub constructor_arguments: Option<Bytes>,
}

impl Transformations {
    /// The transformations that give this creation code with its arguments, and this runtime
    /// code. None where they are not the artifact's.
    pub fn of(artifact: &Artifact, initcode: &[u8], runtime: &[u8]) -> Option<Self> {
        Some(Self {
            runtime: runtime_steps(artifact, runtime)?,
            creation: creation_steps(&artifact.creation, initcode)?,
        })
    }
}

fn runtime_steps(artifact: &Artifact, code: &[u8]) -> Option<Steps> {
    let mut runtime = Steps::default();
    for region in regions(artifact, code)? {
        let value = Bytes::copy_from_slice(&code[region.range()]);
        let values = &mut runtime.values;
        let (reason, id) = match region.place {
            Place::Immutable(name) => {
                values.immutables.insert(name.clone(), value);
                ("immutable", Some(name))
            }
            Place::Library(fqn) => {
                values.libraries.insert(fqn.0.clone(), value);
                ("library", Some(fqn.0))
            }
            Place::CallProtection => {
                values.call_protection = Some(value);
                ("callProtection", None)
            }
            Place::Metadata(_) if artifact.runtime.object[region.range()] == value => continue,
            Place::Metadata(number) => {
                values.cbor_auxdata.insert(number.to_string(), value);
                ("cborAuxdata", Some(number.to_string()))
            }
            Place::Code(_) => continue,
        };
        runtime.list.push(Step { kind: "replace", reason, offset: region.span.start, id });
    }
    Some(runtime)
}

fn creation_steps(template: &Code, initcode: &[u8]) -> Option<Steps> {
    let mut creation = Steps::default();
    let mut linked = template.object.to_vec();
    let spans = template.links.iter().flat_map(|(fqn, spans)| spans.iter().map(move |s| (s, fqn)));
    let mut spans: Vec<_> = spans.collect();
    spans.sort_unstable();
    for (span, fqn) in spans {
        let range = span.start..span.start.checked_add(span.length)?;
        let address = initcode.get(range.clone())?;
        linked.get_mut(range)?.copy_from_slice(address);
        creation.values.libraries.insert(fqn.0.clone(), Bytes::copy_from_slice(address));
        let (kind, reason, id) = ("replace", "library", Some(fqn.0.clone()));
        creation.list.push(Step { kind, reason, offset: span.start, id });
    }
    let arguments = initcode.strip_prefix(linked.as_slice())?;
    if !arguments.is_empty() {
        let (kind, reason, offset) = ("insert", "constructorArguments", linked.len());
        creation.list.push(Step { kind, reason, offset, id: None });
        creation.values.constructor_arguments = Some(Bytes::copy_from_slice(arguments));
    }
    Some(creation)
}
