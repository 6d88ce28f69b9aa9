//! `tidegate.toml` as `init` writes it, in 80 columns.

use textwrap::{Options, WordSplitter};
use tidegate_chain::known_chain;
use tidegate_compile::Profile;
use tidegate_model::ChainId;

use crate::decode::quoted;
use crate::{Draft, Step};

/// Columns that the file is laid out for.
const COLUMNS: usize = 80;

/// What the file says besides its steps.
#[derive(Debug)]
pub struct Head<'a> {
    pub project: &'a str,
    pub network: &'a str,
    pub chain: ChainId,
    pub rpc: &'a str,
    pub genesis: Option<String>,
    /// The profile of `foundry.toml`.
    pub profile: Option<&'a str>,
    /// Compiler settings of its own.
    pub own: Option<&'a Profile>,
    /// Where the steps come from, in a sentence.
    pub origin: Option<String>,
}

/// The whole file.
pub fn text(head: &Head<'_>, draft: &Draft) -> String {
    let mut text = format!(
        "# What this project deploys, where, and under which policy.\n\
         # $x is a parameter; @x an address: a step, @deployer, @safe, @executor, an external.\n\
         [project]\nname    = {}\nversion = \"0.1.0\"\n",
        quoted(head.project)
    );
    text += &compiler(head);
    let network = head.network;
    text += &format!(
        "\n[networks.{network}]\nstage    = \"testnet\"\nchain    = {}\nrpc      = [{}]\n\
         deployer = \"{network}-deployer\"   # a key's name; make it with `tidegate key new`\n",
        head.chain,
        quoted(head.rpc)
    );
    if let Some(genesis) = &head.genesis {
        text += &format!("genesis  = \"{genesis}\"\n");
    }
    if known_chain(head.chain).is_none() {
        text += "block_time = \"12s\"            # the expected time between blocks\n";
    }
    for (name, external) in &draft.externals {
        text += &format!("\n# Called, and created by no step here.\n[externals.{name}]\n");
        text += &format!("{network}.address   = \"{}\"\n", external.address);
        if let Some(hash) = external.code_hash {
            text += &format!("{network}.code_hash = \"{hash}\"\n");
        }
    }
    if let Some(origin) = &head.origin {
        text += &format!("\n{}", comment(origin));
    }
    for step in &draft.steps {
        text += &self::step(step);
    }
    text
}

fn compiler(head: &Head<'_>) -> String {
    if let Some(profile) = head.profile {
        return format!("\n[compiler]\nprofile = {}\n", quoted(profile));
    }
    let Some(own) = head.own else { return String::new() };
    let strings = |items: &Vec<String>| {
        format!("[{}]", items.iter().map(|item| quoted(item)).collect::<Vec<_>>().join(", "))
    };
    let text = |value: &Option<String>| value.as_deref().map(quoted);
    let rows = [
        ("src", text(&own.src)),
        ("libs", own.libs.as_ref().map(strings)),
        ("version", text(&own.solc)),
        ("optimizer", own.optimizer.map(|on| on.to_string())),
        ("optimizer_runs", own.optimizer_runs.map(|runs| runs.to_string())),
        ("via_ir", own.via_ir.map(|on| on.to_string())),
        ("evm_version", text(&own.evm_version)),
    ];
    let rows = rows.into_iter().filter_map(|(key, value)| Some((key, value?)));
    let guess = "As far as hardhat.config can be read without running it; check it.";
    format!("\n{}[compiler]\n{}", comment(guess), aligned(rows.collect()))
}

fn step(step: &Step) -> String {
    let mut text = "\n".to_owned();
    text.extend(step.comments.iter().map(|line| comment(line)));
    text += "[[step]]\n";
    let mut rows = Vec::new();
    rows.extend(step.name.as_deref().map(|name| ("name", quoted(name))));
    rows.extend(step.create.as_deref().map(|create| ("create", quoted(create))));
    for (key, values) in [("args", &step.args), ("init", &step.init), ("call", &step.call)] {
        if key == "init" {
            rows.extend(step.proxy.map(|kind| ("proxy", quoted(kind))));
            rows.extend(step.admin.clone().map(|admin| ("admin", admin)));
        }
        if !values.is_empty() {
            rows.push((key, list(key, values)));
        }
    }
    rows.extend(step.value.clone().map(|value| ("value", value)));
    text + &aligned(rows)
}

/// Rows with their equal signs below each other.
fn aligned(rows: Vec<(&str, String)>) -> String {
    let width = rows.iter().map(|(key, _)| key.len()).max().unwrap_or(0);
    rows.into_iter().map(|(key, value)| format!("{key:<width$} = {value}\n")).collect()
}

/// A list in one line, or else one value a line.
fn list(key: &str, values: &[String]) -> String {
    const ALIGNED_COLUMNS: usize = "create = ".len();
    let line = format!("[{}]", values.join(", "));
    if key.len().max(ALIGNED_COLUMNS) + line.chars().count() <= COLUMNS {
        return line;
    }
    let lines: String = values.iter().map(|value| format!("    {value},\n")).collect();
    format!("[\n{lines}]")
}

fn comment(text: &str) -> String {
    let options = Options::new(COLUMNS - 2).break_words(false);
    let lines = textwrap::wrap(text, options.word_splitter(WordSplitter::NoHyphenation));
    lines.iter().map(|line| format!("# {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_laid_out_and_can_be_read() {
        let long: Vec<_> = (0..4).map(|n| format!("\"{}\"", n.to_string().repeat(30))).collect();
        let strings = |items: &[&str]| items.iter().map(|item| format!("\"{item}\"")).collect();
        let draft = Draft {
            steps: vec![
                Step {
                    comments: vec!["word ".repeat(30).trim().to_owned()],
                    name: Some("vault".to_owned()),
                    create: Some("Vault".to_owned()),
                    args: long,
                    proxy: Some("uups"),
                    init: strings(&["initialize"]),
                    ..Step::default()
                },
                Step { call: strings(&["@vault", "open"]), ..Step::default() },
            ],
            ..Draft::default()
        };
        let own = Profile {
            src: Some("contracts".to_owned()),
            optimizer: Some(true),
            ..Profile::default()
        };
        let head = Head {
            project: "a-b",
            network: "hoodi",
            chain: ChainId(560_048),
            rpc: "${HOODI_RPC}",
            genesis: None,
            profile: None,
            own: Some(&own),
            origin: Some("From somewhere.".to_owned()),
        };
        let text = text(&head, &draft);
        assert!(text.lines().skip(2).all(|line| line.len() <= COLUMNS), "{text}");
        assert!(
            text.contains("[compiler]\nsrc       = \"contracts\"\noptimizer = true\n"),
            "{text}"
        );
        assert!(text.contains("\n[[step]]\ncall = [\"@vault\", \"open\"]\n"), "{text}");
        let config = tidegate_plan::config::Config::parse(&text).unwrap();
        assert_eq!(config.steps[0].args.len(), 4);
        assert_eq!(config.steps[0].proxy.as_deref(), Some("uups"));
        assert!(config.compiler.is_own());
    }
}
