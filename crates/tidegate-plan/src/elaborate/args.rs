//! Arguments as written, beside the types that the ABI gives them.

use std::collections::BTreeSet;

use alloy_json_abi::{Function, JsonAbi, Param, StateMutability};
use serde_json::Value;
use tidegate_model::plan::{Arg, Invocation, Member, Source};
use tidegate_model::units::counted;

use super::{Builder, ElaborateError, RESERVED};
use crate::config::nearest;
use crate::value::{Beginning, ValueError, beginning, date, in_order, normalise, shown};

/// An ABI type, with the names of a structure's members.
pub(super) struct Type<'p> {
    ty: String,
    members: &'p [Param],
}

impl<'p> From<&'p Param> for Type<'p> {
    fn from(param: &'p Param) -> Self {
        Self { ty: param.selector_type().into_owned(), members: &param.components }
    }
}

impl Type<'static> {
    pub(super) fn address() -> Self {
        Self { ty: "address".to_owned(), members: &[] }
    }
}

impl<'p> Type<'p> {
    /// The names of a structure's members, and of theirs; none where one has no name.
    fn members(&self) -> Vec<Member> {
        if self.members.iter().any(|member| member.name.is_empty()) {
            return Vec::new();
        }
        let named = |param: &Param| Member {
            name: param.name.clone(),
            members: Type::from(param).members(),
        };
        self.members.iter().map(named).collect()
    }

    /// The types of the items, where this is an array or structure of `len` items.
    fn items(&self, len: usize) -> Option<Vec<Type<'p>>> {
        if let Some((item, size)) = self.ty.strip_suffix(']').and_then(|t| t.rsplit_once('[')) {
            let fits = size.is_empty() || size.parse() == Ok(len);
            let item = || Type { ty: item.to_owned(), members: self.members };
            return fits.then(|| std::iter::repeat_with(item).take(len).collect());
        }
        let structure = self.ty.starts_with('(') && self.members.len() == len;
        structure.then(|| self.members.iter().map(Type::from).collect())
    }
}

impl Builder<'_> {
    pub(super) fn invocation(
        &mut self,
        step: &str,
        abi: &JsonAbi,
        function: &Value,
        args: &[Value],
    ) -> Result<Invocation, ElaborateError> {
        let function = find_function(step, abi, function)?;
        let signature = function.signature();
        refuse_reading(function)
            .map_err(|reason| ElaborateError::Step { step: step.to_owned(), reason })?;
        let args = self.args(step, &signature, &function.inputs, args)?;
        Ok(Invocation { signature, args })
    }

    pub(super) fn args(
        &mut self,
        step: &str,
        function: &str,
        inputs: &[Param],
        written: &[Value],
    ) -> Result<Vec<Arg>, ElaborateError> {
        if inputs.len() != written.len() {
            let names: Vec<_> = inputs.iter().map(|i| format!("{} {}", i.ty, i.name)).collect();
            let (given, names) = (counted(written.len(), "argument"), names.join(", "));
            let reason = format!("{function} takes ({names}), but what is written has {given}");
            return Err(ElaborateError::Step { step: step.to_owned(), reason });
        }
        let pairs = inputs.iter().zip(written);
        pairs.map(|(input, value)| self.arg(step, &input.into(), value)).collect()
    }

    pub(super) fn arg(
        &mut self,
        step: &str,
        kind: &Type<'_>,
        written: &Value,
    ) -> Result<Arg, ElaborateError> {
        let ty = kind.ty.as_str();
        let wrong = |source| argument(step, written, source);
        let from = match beginning(written, ty, &self.known).map_err(wrong)? {
            Beginning::Param(name) => self.param(step, kind, name)?,
            Beginning::Ref(name) => self.reference(step, ty, name)?,
            Beginning::Text(text) => Source::Literal(normalise(ty, &text.into()).map_err(wrong)?),
            Beginning::Plain => match self.list(step, kind, written)? {
                Some(source) => source,
                None => Source::Literal(normalise(ty, written).map_err(wrong)?),
            },
        };
        Ok(Arg { ty: ty.to_owned(), from })
    }

    fn param(&mut self, step: &str, kind: &Type<'_>, name: &str) -> Result<Source, ElaborateError> {
        if !self.config.params.contains_key(name) {
            let near = nearest(name, self.config.params.keys().map(String::as_str));
            let near = near.map_or_else(String::new, |near| format!("; did you mean `${near}`?"));
            let reason = format!("`${name}` is not under [params]{near}");
            return Err(ElaborateError::Step { step: step.to_owned(), reason });
        }
        let members = kind.members();
        let first = || (kind.ty.clone(), members.clone());
        let (ty, known) = self.params.entry(name.to_owned()).or_insert_with(first);
        if *ty != kind.ty {
            let reason = format!("it is used both as `{ty}` and as `{}`", kind.ty);
            return Err(ElaborateError::Param { param: name.to_owned(), reason });
        }
        // Names that mean one member here and another there mean none.
        if *known != members {
            known.clear();
        }
        Ok(Source::Param(name.to_owned()))
    }

    fn reference(&self, step: &str, ty: &str, name: &str) -> Result<Source, ElaborateError> {
        let error = |reason: String| ElaborateError::Step { step: step.to_owned(), reason };
        if ty != "address" {
            return Err(error(format!("`@{name}` is an address, but a `{ty}` is needed")));
        }
        if !RESERVED.contains(&name) && !self.targets.contains_key(name) {
            return Err(error(self.unknown_target(name)));
        }
        Ok(Source::Ref(name.to_owned()))
    }

    /// An array or structure, item by item, so that each may be a parameter or an address.
    fn list(
        &mut self,
        step: &str,
        kind: &Type<'_>,
        written: &Value,
    ) -> Result<Option<Source>, ElaborateError> {
        let ordered;
        let items = match written {
            Value::Array(items) => items,
            Value::Object(table) if kind.ty.ends_with(')') && date(written).is_none() => {
                let names = kind.members.iter().map(|member| &*member.name);
                ordered = in_order(names, table).map_err(|source| ElaborateError::Step {
                    step: step.to_owned(),
                    reason: source.to_string(),
                })?;
                &ordered
            }
            _ => return Ok(None),
        };
        // What has another number of items is refused as a literal.
        let Some(types) = kind.items(items.len()) else { return Ok(None) };
        let args = types.iter().zip(items).map(|(kind, item)| self.arg(step, kind, item));
        let args: Vec<Arg> = args.collect::<Result<_, _>>()?;
        let literal = |arg: &Arg| match &arg.from {
            Source::Literal(value) => Some(value.clone()),
            _ => None,
        };
        Ok(Some(match args.iter().map(literal).collect() {
            Some(values) => Source::Literal(Value::Array(values)),
            None => Source::List(args),
        }))
    }
}

fn argument(step: &str, written: &Value, source: ValueError) -> ElaborateError {
    ElaborateError::Argument { step: step.to_owned(), argument: shown(written), source }
}

/// A transaction that only reads changes nothing; somebody means another function, or a check.
fn refuse_reading(function: &Function) -> Result<(), String> {
    let word = match function.state_mutability {
        StateMutability::View => "view",
        StateMutability::Pure => "pure",
        StateMutability::NonPayable | StateMutability::Payable => return Ok(()),
    };
    let name = &function.name;
    Err(format!(
        "`{}` is {word}: a transaction that calls it changes nothing; to check what it returns, \
         write `expect = [[\"{name}\", arguments…, value]]` in a step",
        function.signature()
    ))
}

/// So many functions are named where none is near.
const NAMED_MAX: usize = 8;

/// The functions that change something, as an end of a sentence.
fn known(abi: &JsonAbi) -> String {
    let changes = |function: &&Function| refuse_reading(function).is_ok();
    let names: BTreeSet<_> =
        abi.functions().filter(changes).map(|function| function.name.as_str()).collect();
    let more = if names.len() > NAMED_MAX { ", …" } else { "" };
    match names.into_iter().take(NAMED_MAX).collect::<Vec<_>>() {
        none if none.is_empty() => "; it has none that changes anything".to_owned(),
        names => format!("; it has {}{more}", names.join(", ")),
    }
}

/// The function of this name, or of this full signature where names overload.
pub(super) fn find_function<'f>(
    step: &str,
    abi: &'f JsonAbi,
    written: &Value,
) -> Result<&'f Function, ElaborateError> {
    let error = |reason: String| ElaborateError::Step { step: step.to_owned(), reason };
    let name = written.as_str().ok_or_else(|| {
        error(format!("`{}` is not a function; write its name in quotes", shown(written)))
    })?;
    let base = name.split('(').next().unwrap_or(name).trim();
    let Some(overloads) = abi.functions.get(base) else {
        let near = nearest(base, abi.functions.keys().map(String::as_str));
        let near = match near {
            Some(near) => format!("; did you mean `{near}`?"),
            None => known(abi),
        };
        return Err(error(format!("the contract has no function `{base}`{near}")));
    };
    match overloads.as_slice() {
        [function] if !name.contains('(') => Ok(function),
        overloads => {
            let wanted = name.replace(' ', "");
            overloads.iter().find(|function| function.signature() == wanted).ok_or_else(|| {
                let known: Vec<_> = overloads.iter().map(Function::signature).collect();
                error(format!("write one of these in full: {}", known.join(", ")))
            })
        }
    }
}
