//! Bundles: a release, its soak and its proposals as one file, out of a project and into a folder.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;
use tidegate_evidence::{BUNDLE_BYTES_MAX, Bundle, CONFIG};
use tidegate_model::StatementDigest;
use tidegate_model::endpoint::Endpoint;
use tidegate_model::release::Roots;
use tidegate_plan::config::{Config, NetworkConfig};
use tidegate_safe::{helper, read_proposal};
use tidegate_store::{FileError, Layout, read_limited, write_atomic};
use toml_edit::{DocumentMut, Item};

use crate::error::{AppError, AppResult, Kind, OrKind};
use crate::project::{Project, refuse_links};
use crate::release::{self, Built};
use crate::statements;

/// The most bytes of one file in a bundle.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// A bundle that was taken.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TakenView {
    /// The release's digests, computed from the bundle.
    pub roots: Roots,
    /// How many statements this project sees now.
    pub statements: usize,
    /// How many files the bundle has.
    pub files: usize,
    /// What nothing in the bundle vouches for, and chains have to confirm.
    pub claims: Vec<String>,
    /// The release's name.
    #[serde(skip)]
    pub release: String,
    /// How many statements the bundle has.
    #[serde(skip)]
    pub signed: usize,
}

/// Everything that speaks of a release.
pub fn gather(project: &Project, built: &Built) -> AppResult<Bundle> {
    let set = statements::load(project)?;
    let pending = set.pending.into_iter().filter_map(|(digest, both)| {
        let (collected, _) = both.into_iter().next()?;
        Some((digest, collected))
    });
    let mut signed: Vec<_> = set.statements.into_iter().chain(pending).collect();
    signed.sort_by_key(|(digest, _)| *digest);
    let mut files = std::collections::BTreeMap::new();
    files.insert(CONFIG.to_owned(), without_urls(&text(&project.config_file)?)?);
    for path in project.layout.shared_files()? {
        let shared = project.layout.shared(&path);
        if let Some((name, _)) = shared.filter(|(name, _)| Bundle::takes(name)) {
            files.insert(name, text(&path)?);
        }
    }
    Ok(Bundle {
        release: built.release.clone(),
        mocks: built.mocks.clone(),
        roots: built.roots.clone(),
        statements: signed.into_iter().map(|(_, collected)| collected.signed).collect(),
        files,
    })
}

fn text(path: &Path) -> AppResult<String> {
    let bytes = read_limited(path, FILE_BYTES_MAX).or_kind(Kind::Config)?;
    String::from_utf8(bytes).or_kind(Kind::Config)
}

/// The configuration with a variable in place of every URL: a URL may hold a key, and whoever
/// takes the bundle asks endpoints of their own.
fn without_urls(text: &str) -> AppResult<String> {
    let mut document: DocumentMut = text.parse().or_kind(Kind::Config)?;
    let networks = document.get_mut("networks").and_then(Item::as_table_like_mut);
    for (name, network) in networks.into_iter().flat_map(|networks| networks.iter_mut()) {
        let urls = network.get_mut("rpc").and_then(Item::as_array_mut);
        let prefix: String = name.chars().map(variable_char).collect();
        for (index, url) in urls.into_iter().flat_map(|urls| urls.iter_mut()).enumerate() {
            if !url.as_str().is_some_and(is_variable) {
                *url = format!("${{{prefix}_RPC_{}}}", index + 1).into();
            }
        }
    }
    Ok(document.to_string())
}

const fn variable_char(c: char) -> char {
    if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }
}

fn is_variable(url: &str) -> bool {
    matches!(Endpoint::parse(url), Ok(Endpoint::Variable(_)))
}

/// Reads a bundle and checks everything in it that needs no chain, then puts its data below
/// `deployments/`. Its configuration stays apart from one that is there, and is no place for URLs.
/// Nothing is written unless all of it can be.
pub fn place(root: &Path, bytes: Vec<u8>) -> AppResult<Bundle> {
    let text = String::from_utf8(bytes).or_kind(Kind::Fail)?;
    let bundle = Bundle::read(&text).or_kind(Kind::Fail)?;
    let layout = Layout::new(root);
    refuse_links(&layout)?;
    let mut wanted: Vec<(PathBuf, String)> = Vec::new();
    for (name, content) in &bundle.files {
        if name != CONFIG {
            check_proposal(name, content)?;
            wanted.push((root.join(name), content.clone()));
        } else if layout.config().exists() {
            let own = Config::parse(&self::text(&layout.config())?)?;
            refuse_other_project(&own, &Config::parse(content)?)?;
        } else {
            refuse_urls(&Config::parse(content)?)?;
            wanted.push((layout.bundle_config(), content.clone()));
        }
    }
    for signed in &bundle.statements {
        let digest: StatementDigest = signed.check()?.digest();
        let content = tidegate_store::to_text(&serde_json::to_value(signed)?);
        wanted.push((layout.statement(digest), content));
    }
    let mut missing = Vec::new();
    for (path, content) in wanted {
        match read_limited(&path, FILE_BYTES_MAX) {
            Ok(there) if there == content.as_bytes() => {}
            Ok(_) => {
                let path = path.display();
                return Err(AppError::new(
                    Kind::Conflict,
                    format!("{path} exists with other content"),
                )
                .hint(
                    "import the bundle in an empty folder, or find out which of the two is \
                           right",
                ));
            }
            Err(FileError::Missing(_)) => missing.push((path, content)),
            Err(error) => return Err(AppError::new(Kind::Config, error)),
        }
    }
    for (path, content) in missing {
        write_atomic(&path, content.as_bytes()).or_kind(Kind::Config)?;
    }
    Ok(bundle)
}

/// A project takes bundles of itself alone: what they hold counts as said of it.
fn refuse_other_project(own: &Config, other: &Config) -> AppResult {
    let refused = |why: String| {
        Err(AppError::new(Kind::Conflict, why)
            .hint("import it in an empty folder: `tidegate import FILE --project FOLDER`"))
    };
    if own.name != other.name {
        return refused(format!(
            "the bundle is of project `{}`, and this one is `{}`",
            other.name, own.name
        ));
    }
    for (name, theirs) in &other.networks {
        let named = own.networks.get(name).filter(|ours| ours.chain != theirs.chain);
        if let Some(ours) = named {
            let (theirs, ours) = (theirs.chain, ours.chain);
            return refused(format!("{name} is chain {theirs} in the bundle, and {ours} here"));
        }
        // A Safe is the chain's, whatever the network is called.
        let mut ours = own.networks.values().filter(|ours| ours.chain == theirs.chain).peekable();
        if theirs.safe.is_some() && ours.peek().is_some() && ours.all(|o| o.safe != theirs.safe) {
            let chain = theirs.chain;
            return refused(format!("the bundle has another Safe on chain {chain} than this one"));
        }
    }
    Ok(())
}

/// Whoever takes a bundle asks endpoints of their own.
fn refuse_urls(config: &Config) -> AppResult {
    let literal = |network: &NetworkConfig| network.rpc.iter().any(|rpc| !is_variable(rpc));
    match config.networks.iter().find(|(_, network)| literal(network)) {
        None => Ok(()),
        Some((name, _)) => Err(AppError::new(
            Kind::Fail,
            format!(
                "the bundle names an endpoint of {name}; only whoever imports a bundle may \
                     choose endpoints"
            ),
        )
        .hint("ask for a bundle that `tidegate export` wrote")),
    }
}

/// A proposal is named by the hash that owners sign, which is computed from its content.
fn check_proposal(name: &str, content: &str) -> AppResult {
    let Some((_, file)) = name.rsplit_once("/proposals/") else { return Ok(()) };
    let is_proposal = file.strip_suffix(".json").is_some_and(|hash| !hash.contains('.'));
    if is_proposal {
        read_proposal(file, content, helper::address()).or_kind(Kind::Fail)?;
    }
    Ok(())
}

/// The bytes of a file, if they are a bundle's.
///
/// # Errors
/// If it cannot be read.
pub fn read(file: &Path) -> AppResult<Option<Vec<u8>>> {
    let bytes = read_limited(file, BUNDLE_BYTES_MAX).or_kind(Kind::Config)?;
    Ok(Bundle::is_one(&bytes).then_some(bytes))
}

/// Keeps the release of a bundle in the store of the project that it was placed in.
///
/// # Errors
/// If the store or a statement cannot be read.
pub fn keep(project: &Project, bundle: &Bundle) -> AppResult<TakenView> {
    let Bundle { release, mocks, roots, statements, files } = bundle;
    release::store(project, release, mocks, roots)?;
    Ok(TakenView {
        roots: roots.clone(),
        statements: crate::statements::load(project)?.statements.len(),
        files: files.len(),
        claims: bundle.claims(),
        release: release.name.clone(),
        signed: statements.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_takes_no_bundle_of_another_one() {
        let config = |name: &str, chain: u64, safe: &str| {
            let (genesis, safe) = ("11".repeat(32), safe.repeat(20));
            let network = format!("chain = {chain}\ngenesis = \"0x{genesis}\"\nrpc = []");
            Config::parse(&format!(
                "[project]\nname = \"{name}\"\nversion = \"1\"\n[networks.main]\n\
                 stage = \"mainnet\"\n{network}\nsafe = \"0x{safe}\"\n"
            ))
            .unwrap()
        };
        let own = config("vault", 1, "ab");
        assert!(refuse_other_project(&own, &own).is_ok());
        let mut renamed = config("vault", 1, "cd");
        renamed.networks = std::mem::take(&mut renamed.networks)
            .into_values()
            .map(|network| ("target".to_owned(), network))
            .collect();
        let others = [config("till", 1, "ab"), config("vault", 5, "ab"), config("vault", 1, "cd")];
        for other in others.into_iter().chain([renamed]) {
            let refused = refuse_other_project(&own, &other).unwrap_err();
            assert_eq!(refused.kind, Kind::Conflict);
        }
    }

    #[test]
    fn no_url_leaves_the_project() {
        let written = |main: &str, test: &str| {
            format!(
                "# team file\n[networks.main-net]\nrpc = [\"{main}\", \"${{OURS}}\"] # two\n\
                 chain = 1\n\n[networks.t]\nrpc = [\n  \"{test}\",\n]\n"
            )
        };
        let given = written("https://a/KEY", "https://x.example/${T}");
        let taken = without_urls(&given).unwrap();
        // Only the space around what is replaced may differ.
        let flat = |text: &str| text.split_whitespace().collect::<String>();
        assert_eq!(flat(&taken), flat(&written("${MAIN_NET_RPC_1}", "${T_RPC_1}")));
    }
}
