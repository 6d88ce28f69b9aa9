//! Documents as they are, and as they should not be.

use super::*;

fn document(results: Value) -> Value {
    let rules = json!([
        {"id": "scored", "properties": {"security-severity": "8.0"}},
        {"id": "noted", "defaultConfiguration": {"level": "note"}},
    ]);
    json!({"version": "2.1.0", "runs": [{
        "tool": {"driver": {"name": "hand", "rules": rules}}, "results": results,
    }]})
}

fn read(results: Value) -> Result<Vec<(Severity, bool)>, String> {
    let found = Findings::read(document(results).to_string().as_bytes());
    let found = found.map_err(|error| error.to_string())?;
    Ok(found.findings.iter().map(|f| (f.severity, f.is_open())).collect())
}

fn result(edit: Value) -> Value {
    let mut result = json!({"ruleId": "r", "message": {"text": "m"}});
    let Value::Object(edit) = edit else { panic!("fields") };
    result.as_object_mut().unwrap().extend(edit);
    result
}

#[test]
fn severity_and_openness_follow_the_document() {
    use Severity::{Critical, High, Low, Medium, None};
    let score = |score: Value| json!({"properties": {"security-severity": score}});
    let suppressed =
        |status: Value| json!({"suppressions": [{"kind": "external", "status": status}]});
    let in_source = json!({"kind": "inSource", "status": "accepted"});
    for (edit, expected) in [
        (json!({}), (Medium, true)),
        (json!({"level": "error"}), (High, true)),
        (json!({"level": "note"}), (Low, true)),
        (json!({"level": "none"}), (None, true)),
        (json!({"ruleId": "scored", "level": "note"}), (High, true)),
        (json!({"ruleId": "noted"}), (Low, true)),
        (json!({"ruleId": "noted", "ruleIndex": 1}), (Low, true)),
        (score(json!("9.0")), (Critical, true)),
        (score(json!("8.9")), (High, true)),
        (score(json!(6.9)), (Medium, true)),
        (score(json!("3.9")), (Low, true)),
        (score(json!("0.0")), (None, true)),
        (json!({"kind": "pass", "level": "none"}), (None, true)),
        (json!({"kind": "pass"}), (None, true)),
        (json!({"kind": "review", "level": "error"}), (High, true)),
        (json!({"baselineState": "absent"}), (Medium, false)),
        (json!({"suppressions": []}), (Medium, true)),
        (json!({"suppressions": [{"kind": "external"}]}), (Medium, false)),
        // A comment in the code closes nothing, whatever else it says of itself.
        (json!({"suppressions": [{"kind": "inSource"}]}), (Medium, true)),
        (json!({"suppressions": [in_source, {"kind": "external"}]}), (Medium, false)),
        (json!({"suppressions": [{"status": "accepted"}]}), (Medium, true)),
        (json!({"suppressions": [{"kind": "External"}]}), (Medium, true)),
        (json!({"suppressions": {"kind": "external"}}), (Medium, true)),
        (suppressed(json!("accepted")), (Medium, false)),
        (suppressed(json!("underReview")), (Medium, true)),
        (suppressed(json!("rejected")), (Medium, true)),
        (suppressed(json!(7)), (Medium, true)),
        (json!({"suppressions": [{"kind": "external", "state": "rejected"}]}), (Medium, true)),
        (json!({"baselineState": "unchanged"}), (Medium, true)),
        (json!({"ruleId": "noted/1"}), (Low, true)),
        (json!({"ruleId": "noted/1/a", "ruleIndex": 1}), (Low, true)),
        (json!({"ruleId": "notedly"}), (Medium, true)),
        (json!({"ruleIndex": -1}), (Medium, true)),
        (
            json!({"suppressions": [
                {"kind": "external"}, {"kind": "inSource", "status": "rejected"}
            ]}),
            (Medium, true),
        ),
    ] {
        assert_eq!(read(json!([result(edit.clone())])), Ok(vec![expected]), "{edit}");
    }
}

#[test]
fn everything_is_counted_also_what_closes_nothing() {
    let external = json!({"kind": "external", "justification": "a  cap"});
    let results = json!([
        result(json!({"level": "error", "suppressions": [{"kind": "inSource"}]})),
        result(json!({"ruleId": "scored", "suppressions": [external, {"kind": "inSource"}]})),
        result(json!({"ruleId": "noted"})),
        result(json!({"baselineState": "absent", "message": {"text": "gone"}})),
        result(json!({"kind": "pass", "message": {"text": "looked at"}})),
    ]);
    let found = Findings::read(document(results).to_string().as_bytes()).unwrap();
    let expected = FindingCounts {
        found: 4,
        fixed: 1,
        accepted: 1,
        open: [0, 1, 0],
        suppressions: 3,
        ignored: 1,
    };
    assert_eq!(found.counts(), expected);
    assert_eq!(found.findings[1].suppressions[0].justification, "a cap");
}

#[test]
fn what_cannot_be_read_is_no_clean_document() {
    for bad in [
        json!([{"message": {"text": "m"}}]),
        json!([{"ruleId": "r"}]),
        json!(["text"]),
        json!([result(json!({"level": "grave"}))]),
        json!([result(json!({"properties": {"security-severity": "high"}}))]),
        json!([result(json!({"properties": {"security-severity": "NaN"}}))]),
        json!([result(json!({"properties": {"security-severity": -1}}))]),
        json!([result(json!({"kind": "pass", "level": "error"}))]),
        json!([result(json!({"baselineState": "gone"}))]),
        Value::Null,
    ] {
        assert!(read(bad.clone()).is_err(), "{bad}");
    }
    for other in [json!({"version": "2.0.0", "runs": []}), json!({"version": "2.1.0"})] {
        assert!(Findings::read(other.to_string().as_bytes()).is_err(), "{other}");
    }
}

#[test]
fn a_key_outlives_reformatting_and_tells_findings_apart() {
    let at = |file: &str, line: u64, message: &str| {
        json!({"ruleId": "r", "message": {"text": message}, "locations": [{
            "physicalLocation": {"artifactLocation": {"uri": file},
                                 "region": {"startLine": line}}}]})
    };
    let keys = |results: Value| -> Vec<B256> {
        let found = Findings::read(document(results).to_string().as_bytes()).unwrap();
        found.findings.iter().map(|finding| finding.key).collect()
    };
    let [one, two] = keys(json!([at("a.sol", 1, "m"), at("a.sol", 9, "m")]))[..] else {
        panic!("two findings")
    };
    assert_ne!(one, two, "equal ones are told apart by their order");
    assert_eq!(keys(json!([at("a.sol", 77, "m")])), [one]);
    assert_ne!(keys(json!([at("b.sol", 1, "m")])), [one]);
    assert_ne!(keys(json!([at("a.sol", 1, "n")])), [one]);
    let print = |message: &str| {
        result(json!({"message": {"text": message}, "partialFingerprints": {"id": "x"}}))
    };
    assert_eq!(keys(json!([print("m")])), keys(json!([print("other words")])));
}

#[test]
fn suppressions_go_out_and_come_back() {
    let results = json!([result(json!({})), result(json!({"ruleId": "scored"}))]);
    let found = Findings::read(document(results).to_string().as_bytes()).unwrap();
    let key = found.findings[0].key;
    let added = json!({"kind": "external", "status": "accepted"});
    let document = found.suppressed(&[(key, vec![added])].into());
    let again = Findings::read(document.to_string().as_bytes()).unwrap();
    assert_eq!((again.open(Severity::Medium), again.open(Severity::High)), (0, 1));
    assert_eq!(again.findings[0].key, key);
    assert_ne!(again.digest, found.digest);
}

/// A document with one result, whose tool and run are these.
fn in_run(tool: Value, run: Value, edit: Value) -> Result<Severity, String> {
    let mut content = json!({"tool": tool, "results": [result(edit)]});
    content.as_object_mut().unwrap().extend(run.as_object().unwrap().clone());
    let document = json!({"version": "2.1.0", "runs": [content]});
    let found = Findings::read(document.to_string().as_bytes());
    found.map(|found| found.findings[0].severity).map_err(|error| error.to_string())
}

fn rule(id: &str, guid: &str, score: &str) -> Value {
    json!({"id": id, "guid": guid, "properties": {"security-severity": score}})
}

/// A tool whose driver and extensions have rules of one name.
fn tool_of_parts() -> Value {
    let own = [rule("r", "A1", "3.0"), rule("CA1", "A2", "9.5")];
    let x = [rule("x1", "B1", "8.0"), rule("both", "B2", "8.0")];
    let y = [rule("r", "C1", "9.9"), rule("both", "C2", "1.0")];
    json!({
        "driver": {"name": "d", "guid": "0", "rules": own},
        "extensions": [
            {"name": "x", "guid": "1", "rules": x}, {"name": "y", "guid": "2", "rules": y},
        ],
    })
}

#[test]
fn a_rule_is_found_where_the_result_says_it_is() {
    use Severity::{Critical, High, Low, Medium};
    let tool = tool_of_parts();
    let of = |edit: Value| in_run(tool.clone(), json!({}), edit);
    let at = |part: Value, edit: Value| {
        let mut rule = edit;
        rule["toolComponent"] = part;
        json!({"rule": rule})
    };
    for (edit, expected) in [
        (json!({}), Low),
        (json!({"ruleIndex": 0}), Low),
        (json!({"ruleId": "CA1/7"}), Critical),
        (json!({"ruleId": "CA1/7", "ruleIndex": 1}), Critical),
        (json!({"ruleId": "CA1", "rule": {"index": 1}}), Critical),
        (json!({"rule": {"id": "r", "index": 0, "guid": "a1"}}), Low),
        (json!({"ruleId": null, "rule": {"guid": "A2"}}), Critical),
        // In an extension, whether or not the driver has a rule of that name.
        (at(json!({"index": 1}), json!({"index": 0})), Critical),
        (at(json!({"index": 1}), json!({})), Critical),
        (at(json!({"name": "y"}), json!({"id": "r"})), Critical),
        (at(json!({"guid": "2", "name": "y", "index": 1}), json!({})), Critical),
        (at(json!({"name": "d"}), json!({})), Low),
        (at(json!({}), json!({"index": 0})), Low),
        (json!({"ruleId": "x1"}), High),
        (json!({"ruleId": "nowhere"}), Medium),
    ] {
        assert_eq!(of(edit.clone()), Ok(expected), "{edit}");
    }
    for edit in [
        json!({"ruleIndex": 1}),
        json!({"ruleIndex": 2}),
        json!({"ruleIndex": 0.5}),
        json!({"ruleIndex": -2}),
        json!({"ruleId": "CA", "ruleIndex": 1}),
        json!({"ruleId": "CA10", "ruleIndex": 1}),
        json!({"ruleId": ""}),
        json!({"ruleId": 7}),
        json!({"rule": {"id": "other"}}),
        json!({"ruleIndex": 0, "rule": {"index": 1}}),
        json!({"rule": {"guid": "A2"}}),
        json!({"rule": {"guid": "Z9"}}),
        json!({"ruleId": "both"}),
        at(json!({"index": 2}), json!({})),
        at(json!({"index": 0}), json!({})),
        at(json!({"index": 1, "name": "x"}), json!({})),
        at(json!({"name": "z"}), json!({})),
        at(json!({"index": 1}), json!({"index": 1})),
        at(json!({"index": 1}), json!({"index": 7})),
    ] {
        assert!(of(edit.clone()).is_err(), "{edit}");
    }
    let twice =
        json!({"driver": {"name": "d", "rules": [rule("r", "1", "9.0"), rule("r", "2", "1.0")]}});
    assert!(in_run(twice, json!({}), json!({})).is_err(), "two rules of one id");
}

#[test]
fn a_run_that_failed_or_is_elsewhere_is_no_clean_document() {
    let tool = json!({"driver": {"name": "d", "notifications": [
        {"id": "N1", "defaultConfiguration": {"level": "error"}}, {"id": "N2"}]}});
    let with = |invocation: Value| json!({"invocations": [invocation]});
    let told = |field: &str, notification: Value| {
        let mut invocation = json!({"executionSuccessful": true});
        invocation[field] = json!([notification]);
        with(invocation)
    };
    let execution = "toolExecutionNotifications";
    for run in [
        json!({}),
        json!({"invocations": []}),
        json!({"externalPropertyFileReferences": {"results": []}}),
        with(json!({"executionSuccessful": true, "exitCode": 1})),
        told(execution, json!({"level": "warning", "message": {"text": "slow"}})),
        told(execution, json!({"message": {"text": "slow"}})),
        told(execution, json!({"descriptor": {"id": "N2"}, "message": {"text": "slow"}})),
        with(json!({"executionSuccessful": true, "ruleConfigurationOverrides": []})),
    ] {
        assert_eq!(in_run(tool.clone(), run.clone(), json!({})), Ok(Severity::Medium), "{run}");
    }
    for run in [
        with(json!({"executionSuccessful": false})),
        with(json!({"executionSuccessful": "true"})),
        with(json!({})),
        with(json!({"executionSuccessful": true, "exitSignalName": "SIGKILL"})),
        with(json!({"executionSuccessful": true, "processStartFailureMessage": "no such file"})),
        json!({"invocations": [{"executionSuccessful": true}, {"executionSuccessful": false}]}),
        json!({"invocations": {"executionSuccessful": true}}),
        json!({"conversion": {"invocation": {"executionSuccessful": false}}}),
        told(execution, json!({"level": "error", "message": {"text": "a\nfile"}})),
        told(execution, json!({"level": "fatal"})),
        told(execution, json!({"descriptor": {"id": "N1"}})),
        told(execution, json!({"descriptor": {"index": 0}})),
        told("toolConfigurationNotifications", json!({"level": "error"})),
        json!({"externalPropertyFileReferences": {"results": [{"location": {"uri": "x"}}]}}),
        // A level that is set elsewhere, where the result has none of its own.
        with(json!({"executionSuccessful": true, "ruleConfigurationOverrides": [{}, {"a": 1}]})),
        json!({"policies": [{"name": "p"}]}),
    ] {
        assert!(in_run(tool.clone(), run.clone(), json!({})).is_err(), "{run}");
    }
    let policies = json!({"policies": [{"name": "p"}]});
    assert_eq!(in_run(tool, policies, json!({"level": "error"})), Ok(Severity::High));
    for text in [
        r#"{"version": "2.1.0", "runs": []}"#,
        r#"{"version": "2.1.0", "runs": [{"results": []}], "inlineExternalProperties": [{"a": 1}]}
        "#,
        r#"{"version": "2.1.0", "runs": [{"results": [{}], "results": []}]}"#,
        r#"{"version": "2.1.0", "runs": [{"results": []}], "runs": [{"results": []}]}"#,
    ] {
        assert!(Findings::read(text.as_bytes()).is_err(), "{text}");
    }
}

/// As these programs wrote them: see `tests/sarif`.
#[test]
fn files_of_other_programs_are_read_as_they_are() {
    let counts = |document: &str| {
        let found = Findings::read(document.as_bytes()).unwrap();
        let low = found.open(Severity::Low);
        let FindingCounts { found, open: [critical, high, medium], .. } = found.counts();
        (found, critical, high, medium, low)
    };
    for (name, document, expected) in [
        ("slither", include_str!("../../../../tests/sarif/slither.sarif"), (5, 0, 2, 1, 2)),
        ("semgrep", include_str!("../../../../tests/sarif/semgrep.sarif"), (2, 0, 1, 1, 0)),
        ("bandit", include_str!("../../../../tests/sarif/bandit.sarif"), (4, 0, 2, 0, 2)),
        ("eslint", include_str!("../../../../tests/sarif/eslint.sarif"), (4, 0, 2, 2, 0)),
        ("solhint", include_str!("../../../../tests/sarif/solhint.sarif"), (17, 0, 0, 17, 0)),
    ] {
        assert_eq!(counts(document), expected, "{name}");
    }
}
