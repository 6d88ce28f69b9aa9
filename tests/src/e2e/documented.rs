//! What the documentation prints for people to type or to copy, typed and copied.

mod auditors;
mod configs;
mod contracts;
mod engineers;
mod next_release;
mod options;
mod pages;
mod tour;
mod typist;

use libtest_mimic::Failed;

use self::pages::Block;
use crate::support::{Case, Outcome, Scene, cases};

pub(crate) fn cases() -> Vec<Case> {
    let own = cases! {
        Fresh: every_block_is_run_or_says_why_not;
    };
    let all = [own, auditors::cases(), configs::cases(), engineers::cases(), options::cases()];
    let others = [next_release::cases(), tour::cases()];
    all.into_iter().chain(others).flatten().collect()
}

/// Cases that only `./scripts/test --full` runs.
pub(crate) fn slow_cases() -> Vec<Case> {
    contracts::cases()
}

/// What becomes of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The case of this module that runs each of its commands, or uses it as it stands.
    Case(&'static str),
    /// Why it is not run.
    Not(&'static str),
}

use Way::{Case as Run, Not};

const TOUR: &str = "the_tour_of_the_readme_is_typed";
const ENGINEERS: &str = "the_daily_loop_is_typed";
const AUDITORS: &str = "what_auditors_are_told_is_typed";
const CONFIGS: &str = "what_is_printed_as_configuration_is_read";
const NEXT: &str = "the_next_release_is_typed";
const BACK: &str = "the_way_back_is_copied";
const CONTRACTS: &str = "the_contracts_are_tested_as_printed";

/// The program writes these files and reads them back in every case.
const WRITTEN: &str = "shows a file that the program writes, with what differs left out";

/// Each block by its page and its first line.
const BLOCKS: [(&str, &str, Way); 30] = [
    (
        "README.md",
        "./scripts/demo   # a release",
        Not("it builds the program and runs these tests"),
    ),
    ("README.md", "$ tidegate status", Run(TOUR)),
    ("README.md", "# Once per project", Run(TOUR)),
    ("README.md", "[project]", Run(CONFIGS)),
    ("README.md", "[[step]]", Run(CONFIGS)),
    ("docs/engineers.md", "$ tidegate init --chain", Run(ENGINEERS)),
    (
        "docs/engineers.md",
        "$ tidegate init --rpc",
        Not("was typed by hand, on a project that is not here"),
    ),
    ("docs/auditors.md", "[firms]", Run(CONFIGS)),
    ("docs/auditors.md", "$ tidegate build", Run(AUDITORS)),
    ("docs/auditors.md", "$ tidegate attest reports/bolt.md", Run(AUDITORS)),
    ("docs/auditors.md", "tidegate attest report.pdf --as 0x", Run(AUDITORS)),
    ("docs/auditors.md", "tidegate attest report.pdf --findings", Run(AUDITORS)),
    ("docs/auditors.md", "tidegate record risk", Run(AUDITORS)),
    ("docs/auditors.md", "tidegate attest addendum.pdf", Run(AUDITORS)),
    ("docs/auditors.md", "tidegate attest --revoke", Run(AUDITORS)),
    ("docs/upgrades.md", "/// @custom:tidegate-keeps-storage", Run(CONFIGS)),
    ("docs/upgrades.md", "/// @custom:tidegate-grows-at-end", Run(CONFIGS)),
    ("docs/upgrades.md", "[existing.box]", Run(BACK)),
    ("docs/upgrades.md", "/// @custom:oz-upgrades-unsafe-allow", Run(CONFIGS)),
    ("docs/next-release.md", "[project]", Run(NEXT)),
    ("docs/next-release.md", "tidegate deploy --release", Run(NEXT)),
    ("docs/soak.md", "[policy]", Not("results:: deploys with exactly these lines")),
    ("docs/testing.md", "./scripts/test          # every check", Not("it runs these tests")),
    ("docs/formats.md", "version = 1\n\n[[endpoint]]", Not(WRITTEN)),
    ("docs/formats.md", "version = 1\n\n[operators]", Not(WRITTEN)),
    ("docs/formats.md", "version = 1\nsha256", Not(WRITTEN)),
    ("docs/formats.md", "version = 1\n\n[[safe]]\nchain", Not(WRITTEN)),
    ("docs/formats.md", "version = 1\n\n[[safe]]\nproject", Not(WRITTEN)),
    (
        "docs/formats.md",
        "createOnce(bytes32 salt",
        Not("lists signatures, which no compiler takes"),
    ),
    ("contracts/README.md", "npm ci --prefix tests", Run(CONTRACTS)),
];

/// No block is printed that nothing runs, and none is listed that is not printed.
fn every_block_is_run_or_says_why_not(scene: &Scene<'_>) -> Outcome {
    let mut left: Vec<_> = BLOCKS.iter().collect();
    for block in pages::typed(&scene.tools.root)? {
        let listed = left.iter().position(|(page, head, _)| is(&block, page, head));
        let listed = listed.ok_or_else(|| {
            format!("{}: nothing runs the block `{}`: {}", block.page, block.first(), file!())
        })?;
        left.remove(listed);
    }
    assert!(left.is_empty(), "no page prints {left:?}");
    let names: Vec<_> = cases().into_iter().chain(slow_cases()).map(|case| case.name).collect();
    for (page, head, way) in BLOCKS {
        match way {
            Run(case) => {
                let there = names.iter().any(|name| name.ends_with(&format!("::{case}")));
                assert!(there, "{page}, {head}: no case is named {case}: {names:?}");
            }
            Not(why) => assert!(!why.is_empty(), "{page}, {head}"),
        }
    }
    Ok(())
}

fn is(block: &Block, page: &str, head: &str) -> bool {
    block.page == page && block.text.starts_with(head)
}

/// The blocks that a case runs, in the order in which they are printed. Fails unless there are as
/// many as it asks for.
fn blocks_of<const N: usize>(scene: &Scene<'_>, case: &str) -> Result<[Block; N], Failed> {
    let listed: Vec<_> =
        BLOCKS.iter().filter(|(_, _, way)| matches!(way, Run(own) if *own == case)).collect();
    let ours = |block: &Block| listed.iter().any(|(page, head, _)| is(block, page, head));
    let blocks: Vec<_> = pages::typed(&scene.tools.root)?.into_iter().filter(ours).collect();
    let found = blocks.len();
    blocks.try_into().map_err(|_| format!("{case} runs {N} blocks, and {found} are printed").into())
}
