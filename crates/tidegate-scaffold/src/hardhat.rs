//! What can be read of a Hardhat configuration without running it: a guess that people check.

use std::path::Path;

use tidegate_compile::Profile;

/// The most bytes of a configuration that is looked at.
const CONFIG_BYTES_MAX: u64 = 1 << 20;

/// The settings that the text of a configuration seems to have. It is a program, and may well say
/// otherwise when it runs.
pub fn settings(file: &Path) -> Profile {
    let bytes = tidegate_store::read_limited(file, CONFIG_BYTES_MAX).unwrap_or_default();
    read(&String::from_utf8_lossy(&bytes))
}

fn read(text: &str) -> Profile {
    let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    let text = lines.collect::<Vec<_>>().join("\n");
    let version = quoted_after(&text, "solidity").or_else(|| quoted_after(&text, "version"));
    let optimizer = text.find("optimizer").map(|at| &text[at..]);
    let word = |text: &str, key| word_after(text, key).map(str::to_owned);
    Profile {
        src: Some("contracts".to_owned()),
        libs: Some(vec!["node_modules".to_owned()]),
        solc: version.filter(|version| is_version(version)).map(str::to_owned),
        optimizer: optimizer.and_then(|text| word(text, "enabled")?.parse().ok()),
        optimizer_runs: optimizer.and_then(|text| word(text, "runs")?.parse().ok()),
        via_ir: word(&text, "viaIR").and_then(|word| word.parse().ok()),
        evm_version: quoted_after(&text, "evmVersion").map(str::to_owned),
        ..Profile::default()
    }
}

fn is_version(text: &str) -> bool {
    let parts: Vec<_> = text.split('.').collect();
    parts.len() == 3 && parts.iter().all(|part| part.parse::<u32>().is_ok())
}

/// What follows `key:`.
fn after<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.match_indices(key).find_map(|(at, _)| {
        let rest = text[at + key.len()..].trim_start_matches(['"', '\'']).trim_start();
        rest.strip_prefix(':').map(str::trim_start)
    })
}

fn word_after<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    after(text, key)?.split(|c: char| !c.is_ascii_alphanumeric()).next()
}

fn quoted_after<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let rest = after(text, key)?;
    let quote = rest.chars().next().filter(|c| ['"', '\'', '`'].contains(c))?;
    let inner = rest[1..].split(quote).next()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '.';
    inner.chars().all(plain).then_some(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_guessed_from_text() {
        let profile = read(
            "import { HardhatUserConfig } from \"hardhat/config\";\n\
             // solidity: \"0.4.0\"\n\
             const config: HardhatUserConfig = {\n  solidity: {\n    version: '0.8.24',\n\
             settings: { optimizer: { enabled: true, runs: 1000 }, viaIR: true,\n\
             evmVersion: \"cancun\" } } };",
        );
        let expected = Profile {
            src: Some("contracts".to_owned()),
            libs: Some(vec!["node_modules".to_owned()]),
            solc: Some("0.8.24".to_owned()),
            optimizer: Some(true),
            optimizer_runs: Some(1000),
            via_ir: Some(true),
            evm_version: Some("cancun".to_owned()),
            ..Profile::default()
        };
        assert_eq!(profile, expected);
        let short = read("module.exports = { solidity: \"0.8.20\" };");
        assert_eq!((short.solc.as_deref(), short.optimizer), (Some("0.8.20"), None));
        for text in ["", "solidity:", "solidity: `${V}`", "solidity: \"^0.8.0\"", "version: \"x"] {
            assert_eq!(read(text).solc, None, "{text}");
        }
    }
}
