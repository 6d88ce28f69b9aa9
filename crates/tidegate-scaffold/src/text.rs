//! `tidegate.toml` as `init` writes it, in 80 columns.

use textwrap::{Options, WordSplitter};
use tidegate_chain::known_chain;
use tidegate_compile::Profile;
use tidegate_model::ChainId;
use toml_edit::{Array, ArrayOfTables, Decor, DocumentMut, Item, Key, Table, Value};

use crate::decode::quoted;
use crate::{Draft, External, Step};

/// What is written where the chain does not show it.
const BLOCK_TIME_SECS: u64 = 12;
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
    /// Seconds from a block to the next, as the chain shows them.
    pub block_time_secs: Option<u64>,
    /// The profile of `foundry.toml`.
    pub profile: Option<&'a str>,
    /// The remappings that forge uses, where some are written in no file.
    pub remappings: &'a [String],
    /// Compiler settings of its own.
    pub own: Option<&'a Profile>,
    /// Where the steps come from, in a sentence.
    pub origin: Option<String>,
}

/// The whole file.
pub fn text(head: &Head<'_>, draft: &Draft) -> String {
    let about = "# What this project deploys, where, and under which policy.\n\
         # $x is a parameter; @x an address: a step, @deployer, @safe, @executor, an external.\n";
    let project = vec![("name", quoted(head.project)), ("version", "0.1.0".into())];
    let mut document = DocumentMut::new();
    document.insert("project", Item::Table(table(about, "version".len(), project)));
    if let Some(compiler) = compiler(head) {
        document.insert("compiler", Item::Table(compiler));
    }
    document.insert("networks", within(head.network, network(head)));
    let mut externals = parent();
    for (name, external) in &draft.externals {
        externals.insert(name, Item::Table(self::external(head.network, external)));
    }
    document.insert("externals", Item::Table(externals));
    let mut before = head.origin.as_deref().map(|origin| format!("\n{}", comment(origin)));
    let steps: ArrayOfTables = draft
        .steps
        .iter()
        .map(|step| self::step(before.take().unwrap_or_default(), step))
        .collect();
    document.insert("step", Item::ArrayOfTables(steps));
    document.set_trailing(before.unwrap_or_default());
    document.to_string()
}

fn network(head: &Head<'_>) -> Table {
    let key = format!("{}-deployer", head.network);
    let hint = "   # a key's name; make it with `tidegate key new`";
    let mut rows = vec![
        ("stage", "testnet".into()),
        ("chain", integer(head.chain.0)),
        ("rpc", Array::from_iter([quoted(head.rpc)]).into()),
        ("deployer", quoted(&key).decorated(" ", hint)),
    ];
    rows.extend(head.genesis.as_deref().map(|genesis| ("genesis", genesis.into())));
    if known_chain(head.chain).is_none() {
        let hint = "            # the expected time between blocks";
        let secs = format!("{}s", head.block_time_secs.unwrap_or(BLOCK_TIME_SECS));
        rows.push(("block_time", Value::from(secs).decorated(" ", hint)));
    }
    table("\n", "deployer".len(), rows)
}

fn external(network: &str, external: &External) -> Table {
    let mut rows = vec![("address", external.address.to_string().into())];
    rows.extend(external.code_hash.map(|hash| ("code_hash", hash.to_string().into())));
    let mut on_network = table("", "code_hash".len(), rows);
    on_network.set_dotted(true);
    let mut external = Table::new();
    external.decor_mut().set_prefix("\n# Called, and created by no step here.\n");
    external.insert(network, Item::Table(on_network));
    external
}

fn compiler(head: &Head<'_>) -> Option<Table> {
    let Some(own) = head.own else { return beside_foundry(head) };
    let text = |value: &Option<String>| value.as_deref().map(quoted);
    let libs = |libs: &Vec<String>| libs.iter().map(|folder| quoted(folder)).collect::<Array>();
    let rows = [
        ("src", text(&own.src)),
        ("libs", own.libs.as_ref().map(libs).map(Value::from)),
        ("version", text(&own.solc)),
        ("optimizer", own.optimizer.map(Value::from)),
        ("optimizer_runs", own.optimizer_runs.map(|runs| integer(runs.into()))),
        ("via_ir", own.via_ir.map(Value::from)),
        ("evm_version", text(&own.evm_version)),
    ];
    let rows: Vec<_> = rows.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
    let guess = "As far as hardhat.config can be read without running it; check it.";
    Some(table(&format!("\n{}", comment(guess)), widest(&rows), rows))
}

/// What stands beside a `foundry.toml`: its profile, and what forge finds by itself.
fn beside_foundry(head: &Head<'_>) -> Option<Table> {
    let mut rows = Vec::new();
    rows.extend(head.profile.map(|profile| ("profile", quoted(profile))));
    let mut about = String::new();
    if !head.remappings.is_empty() {
        about = comment(
            "The remappings that forge uses here, as metadata holds the list. `build` says when \
             it would use others.",
        );
        let mut list: Array = head.remappings.iter().map(|text| quoted(text)).collect();
        list.iter_mut().for_each(|text| text.decor_mut().set_prefix("\n    "));
        list.set_trailing("\n");
        list.set_trailing_comma(true);
        rows.push(("remappings", list.into()));
    }
    (!rows.is_empty()).then(|| table(&format!("\n{about}"), widest(&rows), rows))
}

fn step(mut before: String, step: &Step) -> Table {
    before.push('\n');
    before.extend(step.comments.iter().map(|line| comment(line)));
    let mut rows = Vec::new();
    rows.extend(step.name.as_deref().map(|name| ("name", quoted(name))));
    rows.extend(step.create.as_deref().map(|create| ("create", quoted(create))));
    for (key, values) in [("args", &step.args), ("init", &step.init), ("call", &step.call)] {
        if key == "init" {
            rows.extend(step.proxy.map(|kind| ("proxy", kind.into())));
            rows.extend(step.admin.clone().map(|admin| ("admin", admin)));
        }
        if !values.is_empty() {
            rows.push((key, list(key, values)));
        }
    }
    rows.extend(step.value.clone().map(|value| ("value", value)));
    table(&before, widest(&rows), rows)
}

/// A table that shows only what is within it.
fn parent() -> Table {
    let mut parent = Table::new();
    parent.set_implicit(true);
    parent
}

fn within(name: &str, table: Table) -> Item {
    let mut parent = parent();
    parent.insert(name, Item::Table(table));
    Item::Table(parent)
}

/// A table behind blank lines and comments, with the equal signs of keys up to a width below each
/// other.
fn table(before: &str, width: usize, rows: Vec<(&str, Value)>) -> Table {
    let mut table = Table::new();
    table.decor_mut().set_prefix(before);
    for (key, value) in rows {
        let gap = " ".repeat(width.saturating_sub(key.len()) + 1);
        let key = Key::new(key).with_leaf_decor(Decor::new("", gap));
        table.insert_formatted(&key, Item::Value(value));
    }
    table
}

fn widest(rows: &[(&str, Value)]) -> usize {
    rows.iter().map(|(key, _)| key.len()).max().unwrap_or(0)
}

/// A number, or text where TOML has no such number, which is refused when the file is read.
fn integer(number: u64) -> Value {
    i64::try_from(number).map_or_else(|_| number.to_string().into(), Value::from)
}

/// A list in one line, or else one value a line.
fn list(key: &str, values: &[Value]) -> Value {
    const ALIGNED_COLUMNS: usize = "create = ".len();
    let mut list: Array = values.iter().cloned().collect();
    let columns = Value::Array(list.clone()).to_string().chars().count();
    if key.len().max(ALIGNED_COLUMNS) + columns > COLUMNS {
        list.iter_mut().for_each(|value| value.decor_mut().set_prefix("\n    "));
        list.set_trailing_comma(true);
        list.set_trailing("\n");
    }
    list.into()
}

fn comment(text: &str) -> String {
    let options = Options::new(COLUMNS - 2).break_words(false);
    let lines = textwrap::wrap(text, options.word_splitter(WordSplitter::NoHyphenation));
    lines.iter().map(|line| format!("# {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{Address, B256};

    use super::*;

    #[test]
    fn a_file_is_laid_out_and_can_be_read() {
        let long: Vec<_> = (0..4).map(|n| quoted(&n.to_string().repeat(30))).collect();
        let strings = |items: &[&str]| items.iter().map(|item| quoted(item)).collect();
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
            block_time_secs: None,
            profile: None,
            remappings: &[],
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

    #[test]
    fn what_a_chain_was_asked_for_stands_in_the_file() {
        let external = |code_hash| External { address: Address::repeat_byte(0x11), code_hash };
        let draft = Draft {
            externals: [("feed", Some(B256::repeat_byte(0x22))), ("token", None)]
                .map(|(name, hash)| (name.to_owned(), external(hash)))
                .into(),
            ..Draft::default()
        };
        let head = Head {
            project: "a",
            network: "local",
            chain: ChainId(31_338_000_000),
            rpc: "${LOCAL_RPC}",
            genesis: Some("0x33".to_owned()),
            block_time_secs: Some(7),
            profile: Some("release"),
            remappings: &["dep/=lib/dep/src/", "std/=lib/std/src/"].map(str::to_owned),
            own: None,
            origin: Some("From somewhere.".to_owned()),
        };
        let expected = "\
# What this project deploys, where, and under which policy.
# $x is a parameter; @x an address: a step, @deployer, @safe, @executor, an external.
[project]
name    = \"a\"
version = \"0.1.0\"

# The remappings that forge uses here, as metadata holds the list. `build` says
# when it would use others.
[compiler]
profile    = \"release\"
remappings = [
    \"dep/=lib/dep/src/\",
    \"std/=lib/std/src/\",
]

[networks.local]
stage    = \"testnet\"
chain    = 31338000000
rpc      = [\"${LOCAL_RPC}\"]
deployer = \"local-deployer\"   # a key's name; make it with `tidegate key new`
genesis  = \"0x33\"
block_time = \"7s\"            # the expected time between blocks

# Called, and created by no step here.
[externals.feed]
local.address   = \"0x1111111111111111111111111111111111111111\"
local.code_hash = \"0x2222222222222222222222222222222222222222222222222222222222222222\"

# Called, and created by no step here.
[externals.token]
local.address   = \"0x1111111111111111111111111111111111111111\"

# From somewhere.
";
        assert_eq!(text(&head, &draft), expected);
        let injected = Head { network: "local]\n[project", ..head };
        let written: DocumentMut = text(&injected, &draft).parse().unwrap();
        assert!(written["networks"].get(injected.network).is_some(), "a name stays a name");
    }
}
