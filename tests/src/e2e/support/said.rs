//! What a command said, with the lines that were broken to fit a screen put together again.

use tidegate_testkit::Ran;

/// What a message on standard error begins with.
const LABELS: [&str; 4] = ["error:", "  cause:", "hint:", "warning:"];

/// The messages of this kind on standard error, each on one line, without the label.
pub(crate) fn messages(ran: &Ran, kind: &str) -> Vec<String> {
    let mut messages: Vec<(&str, String)> = Vec::new();
    for line in ran.stderr.lines() {
        let label = LABELS.into_iter().find(|label| line.starts_with(label));
        match (label, messages.last_mut()) {
            (Some(label), _) => messages.push((label.trim(), flat(&line[label.len()..]))),
            (None, Some((_, message))) => *message = flat(&format!("{message} {line}")),
            (None, None) => {}
        }
    }
    let of_kind = messages.into_iter().filter(|(label, _)| label.trim_end_matches(':') == kind);
    of_kind.map(|(_, message)| message).collect()
}

/// Everything that a command said, with each run of spaces and line ends as one space.
pub(crate) fn said(ran: &Ran) -> String {
    flat(&format!("{}\n{}", ran.stdout, ran.stderr))
}

fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
