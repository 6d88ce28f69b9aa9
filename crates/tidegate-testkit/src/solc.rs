//! The pinned compiler, for what a world needs before any project exists.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use alloy_primitives::{Bytes, hex, keccak256};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::{TestkitError, Tools, files};

/// Where the compile crate keeps the script that runs npm's `solc`.
const SCRIPT: &str = "crates/tidegate-compile/src/solcjs.cjs";
const MOCK_USDC: &str = "contracts/src/MockUSDC.sol";
/// What `MockUSDC` imports, below `tests/node_modules`.
const MOCK_USDC_IMPORTS: [&str; 5] = [
    "@openzeppelin/contracts/interfaces/draft-IERC6093.sol",
    "@openzeppelin/contracts/token/ERC20/ERC20.sol",
    "@openzeppelin/contracts/token/ERC20/IERC20.sol",
    "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol",
    "@openzeppelin/contracts/utils/Context.sol",
];

/// Writes `target/solc`, which makes npm's `solc` answer like the native binary, and returns its
/// path. For whoever asks for a compiler by its path, such as forge.
///
/// # Errors
/// If it cannot be written.
pub fn solc_wrapper(tools: &Tools) -> Result<PathBuf, TestkitError> {
    let path = tools.root.join("target/solc");
    let soljson = tools.solc.join("soljson.js");
    let read = |source| TestkitError::Read { path: soljson.clone(), source };
    let sha256 = hex::encode(Sha256::digest(std::fs::read(&soljson).map_err(read)?));
    let (node, script) = (tools.node.display(), tools.root.join(SCRIPT));
    let (script, soljson) = (script.display(), soljson.display());
    let rest = format!("'{script}' '{soljson}' {sha256} \"$@\"");
    let text = format!(
        "#!/bin/sh\nulimit -S -s 262144 2>/dev/null || exec '{node}' {rest}\n\
         exec '{node}' --stack-size=235000 {rest}\n"
    );
    if files::read_text(&path).is_ok_and(|present| present == text) {
        return Ok(path);
    }
    files::write(&path, text.as_bytes())?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&path, mode)
            .map_err(|source| TestkitError::Write { path: path.clone(), source })?;
    }
    Ok(path)
}

/// The creation code of the example token. Compiled once, then kept under `target/`.
///
/// # Errors
/// If the compiler does not run or rejects it.
pub(crate) fn compile_mock_usdc(tools: &Tools) -> Result<Bytes, TestkitError> {
    let input = mock_usdc_input(tools)?.to_string();
    let name = format!("MockUSDC-{}.hex", hex::encode(&keccak256(&input)[..8]));
    let kept = tools.root.join("target/testkit").join(name);
    if let Some(code) = files::read_text(&kept).ok().and_then(|text| hex::decode(text).ok()) {
        return Ok(code.into());
    }
    let output = standard_json(tools, &input)?;
    let object = &output["contracts"][MOCK_USDC]["MockUSDC"]["evm"]["bytecode"]["object"];
    let code = object.as_str().and_then(|text| hex::decode(text).ok());
    let code = code.filter(|code| !code.is_empty()).ok_or_else(|| TestkitError::Ended {
        program: "solc".to_owned(),
        status: "no bytecode".to_owned(),
        output: output["errors"].to_string(),
    })?;
    // Another process may be reading: a file that is moved into place is whole or not there.
    let draft = kept.with_extension(format!("{}.draft", std::process::id()));
    files::write(&draft, hex::encode(&code).as_bytes())?;
    std::fs::rename(&draft, &kept)
        .map_err(|source| TestkitError::Write { path: kept.clone(), source })?;
    Ok(code.into())
}

fn mock_usdc_input(tools: &Tools) -> Result<Value, TestkitError> {
    let mut sources = Map::new();
    let mut add = |name: &str, path: &Path| -> Result<(), TestkitError> {
        sources.insert(name.to_owned(), json!({"content": files::read_text(path)?}));
        Ok(())
    };
    add(MOCK_USDC, &tools.root.join(MOCK_USDC))?;
    for name in MOCK_USDC_IMPORTS {
        add(name, &tools.node_modules.join(name))?;
    }
    Ok(json!({
        "language": "Solidity",
        "sources": sources,
        "settings": {
            "evmVersion": "cancun",
            "optimizer": {"enabled": true, "runs": 200},
            "metadata": {"bytecodeHash": "none"},
            "outputSelection": {MOCK_USDC: {"MockUSDC": ["evm.bytecode.object"]}},
        },
    }))
}

fn standard_json(tools: &Tools, input: &str) -> Result<Value, TestkitError> {
    let run = |source| TestkitError::Run { program: "solc".to_owned(), source };
    let mut child = Command::new(solc_wrapper(tools)?)
        .arg("--standard-json")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(run)?;
    let mut stdin = child.stdin.take().expect("stdin was asked to be piped");
    stdin.write_all(input.as_bytes()).map_err(run)?;
    drop(stdin);
    let done = child.wait_with_output().map_err(run)?;
    serde_json::from_slice(&done.stdout).map_err(|_| TestkitError::Ended {
        program: "solc".to_owned(),
        status: done.status.to_string(),
        output: String::from_utf8_lossy(&done.stderr).into_owned(),
    })
}
