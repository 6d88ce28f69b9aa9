//! What `status --json` and a refused `promote --json` say of the gates.

use libtest_mimic::Failed;
use serde_json::Value;
use tidegate_testkit::Ran;

/// A text field of what a command printed as JSON.
pub(crate) fn json_text(ran: &Ran, field: &str) -> Result<String, Failed> {
    let value = &ran.json()?[field];
    let text = value.as_str().map(str::to_owned);
    text.ok_or_else(|| format!("{}: `{field}` is {value}", ran.typed()).into())
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

    /// Every gate with its verdict, in order.
    pub(crate) fn verdicts(&self) -> Vec<(&str, &str)> {
        let gates = self.0["gates"].as_array();
        let gates = gates.into_iter().flatten().filter_map(|report| report["gate"].as_str());
        gates.map(|gate| (gate, self.verdict(gate))).collect()
    }

    /// Fails unless a gate has this verdict and its sentences hold all of these.
    pub(crate) fn expect(&self, gate: &str, verdict: &str, says: &[&str]) -> Result<(), Failed> {
        let why = self.why(gate);
        let right = self.verdict(gate) == verdict && says.iter().all(|words| why.contains(words));
        if right {
            return Ok(());
        }
        let found = self.verdict(gate);
        let all = self.verdicts();
        Err(format!(
            "gate {gate} is {found}, should be {verdict} and say {says:?}; it says:\n{why}\n{all:?}"
        )
        .into())
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
