//! What `status --json` and a refused `promote --json` say of the gates.

use libtest_mimic::Failed;
use serde_json::Value;
use tidegate_model::ReasonCode;
use tidegate_testkit::Ran;

/// A text field of what a command printed as JSON.
pub(crate) fn json_text(ran: &Ran, field: &str) -> Result<String, Failed> {
    let value = &ran.json()?[field];
    let text = value.as_str().map(str::to_owned);
    text.ok_or_else(|| format!("{}: `{field}` is {value}", ran.typed()).into())
}

/// What a gate must say: codes of `docs/reasons.md`, and values that its sentences must name. Words
/// around them are for people, and snapshots keep them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Says<'a> {
    codes: &'a [&'a str],
    names: &'a [&'a str],
}

/// Codes alone.
impl<'a, const N: usize> From<&'a [&'a str; N]> for Says<'a> {
    fn from(codes: &'a [&'a str; N]) -> Self {
        Self { codes, names: &[] }
    }
}

/// Codes and names.
impl<'a, C, N> From<(&'a C, &'a N)> for Says<'a>
where
    C: AsRef<[&'a str]> + ?Sized,
    N: AsRef<[&'a str]> + ?Sized,
{
    fn from((codes, names): (&'a C, &'a N)) -> Self {
        Self { codes: codes.as_ref(), names: names.as_ref() }
    }
}

/// The document of `status --json`, or of a `promote --json` that proposed nothing.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Status(pub(crate) Value);

impl Status {
    /// Reads the output of such a command.
    pub(crate) fn of(ran: &Ran) -> Result<Self, Failed> {
        Ok(Self(ran.json()?))
    }

    /// The document without what belongs to one machine.
    pub(crate) fn shared(&self) -> Value {
        let mut document = self.0.clone();
        if let Some(fields) = document.as_object_mut() {
            fields.remove("local");
            fields.remove("warned");
        }
        document
    }

    fn result(&self, gate: &str) -> Option<&Value> {
        let gates = self.0["gates"].as_array()?;
        let report = gates.iter().find(|report| report["gate"] == gate)?;
        report.get("result")
    }

    /// The verdict of a gate, or of the whole for `overall`.
    pub(crate) fn verdict(&self, gate: &str) -> &str {
        let result = if gate == "overall" { Some(&self.0["overall"]) } else { self.result(gate) };
        result.and_then(|result| result["verdict"].as_str()).unwrap_or("(no such gate)")
    }

    /// The sentences of a gate, joined.
    pub(crate) fn why(&self, gate: &str) -> String {
        let sentences = |field| {
            let list = self.result(gate).and_then(|result| result[field].as_array());
            list.into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
        };
        sentences("reasons") + &sentences("missing")
    }

    /// The codes of a gate's reasons, in the order of its sentences.
    pub(crate) fn codes(&self, gate: &str) -> Vec<&str> {
        let codes = self.result(gate).and_then(|result| result["codes"].as_array());
        codes.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// Every gate with its verdict, in order.
    pub(crate) fn verdicts(&self) -> Vec<(&str, &str)> {
        let gates = self.0["gates"].as_array();
        let gates = gates.into_iter().flatten().filter_map(|report| report["gate"].as_str());
        gates.map(|gate| (gate, self.verdict(gate))).collect()
    }

    /// Fails unless a gate has this verdict, gives these codes, and its sentences hold these names.
    pub(crate) fn expect<'a>(
        &self,
        gate: &str,
        verdict: &str,
        says: impl Into<Says<'a>>,
    ) -> Result<(), Failed> {
        let says = says.into();
        let unknown = says.codes.iter().find(|code| ReasonCode::from_name(code).is_none());
        if let Some(code) = unknown {
            return Err(format!("`{code}` is no code of docs/reasons.md").into());
        }
        let (found, codes, why) = (self.verdict(gate), self.codes(gate), self.why(gate));
        let right = found == verdict
            && says.codes.iter().all(|code| codes.contains(code))
            && says.names.iter().all(|name| holds(&why, name));
        if right {
            return Ok(());
        }
        let all = self.verdicts();
        Err(format!(
            "gate {gate} is {found} {codes:?}, should be {verdict} with {says:?}; it says:\n{why}\n\
             {all:?}"
        )
        .into())
    }

    /// Fails if a gate gives this code.
    pub(crate) fn expect_without(&self, gate: &str, code: &str) -> Result<(), Failed> {
        if ReasonCode::from_name(code).is_none() {
            return Err(format!("`{code}` is no code of docs/reasons.md").into());
        }
        match self.codes(gate).contains(&code) {
            true => Err(format!("gate {gate} gives {code}:\n{}", self.why(gate)).into()),
            false => Ok(()),
        }
    }

    /// Fails unless every gate but these passes.
    pub(crate) fn expect_others_pass(&self, except: &[&str]) -> Result<(), Failed> {
        for (gate, verdict) in self.verdicts() {
            if verdict != "PASS" && !except.contains(&gate) {
                return self.expect(gate, "PASS", &[]);
            }
        }
        Ok(())
    }
}

/// Whether a text holds a name. A name of letters alone is a word of it: `bo` is nobody in `both`.
fn holds(text: &str, name: &str) -> bool {
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return !name.is_empty() && text.contains(name);
    }
    text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == name)
}
