#!/usr/bin/env node
// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Builds the helper contract and everything that lies beside this script from contracts/src/Tidegate.sol.
//
//   node contracts/helper/build.mjs            writes the files
//   node contracts/helper/build.mjs --check    writes nothing; exits 1 if any of them would change
//
// What is built here stands on chains for ever at an address that follows from its bytes, so the whole input of the
// compiler is committed, and the compiler is asked for nothing that depends on where or when it runs.

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = join(HERE, "..", "..");

const SOURCE = "contracts/src/Tidegate.sol";
const CONTRACT = "Tidegate";
const SOLC = "0.8.37+commit.f401782d.Emscripten.clang";

const PROXY = "4e59b44847b379578588920ca78fbf26c0b4956c";
const SALT = "00".repeat(32);

const fromTests = createRequire(join(ROOT, "tests", "package.json"));
// Keccak comes from what the compiler's package itself uses; Node's own SHA-3 has the other padding.
const { keccak256 } = createRequire(fromTests.resolve("solc"))("js-sha3");

/** The contract's source and everything it imports, by its path in the repository. */
function sources() {
  const found = new Map();
  const open = [SOURCE];
  while (open.length > 0) {
    const name = open.pop();
    if (found.has(name)) continue;
    const content = readFileSync(join(ROOT, name), "utf8");
    found.set(name, { content });
    for (const [, path] of content.matchAll(/^import\s[^"]*"([^"]+)";/gm)) {
      if (!path.startsWith(".")) throw new Error(`${name} imports ${path}: the helper depends on nothing outside`);
      open.push(posix.join(posix.dirname(name), path));
    }
  }
  return Object.fromEntries([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function standardJson() {
  return {
    language: "Solidity",
    sources: sources(),
    settings: {
      // No opcode newer than this one has, so that the bytes run wherever the CREATE2 proxy stands.
      evmVersion: "paris",
      // The older code generator: longer code, but the one that has been read and attacked for the longest time.
      viaIR: false,
      optimizer: { enabled: true, runs: 200 },
      // Without metadata the bytes follow from what the code does, not from comments or paths.
      metadata: { bytecodeHash: "none", appendCBOR: false },
      remappings: [],
      outputSelection: { [SOURCE]: { [CONTRACT]: ["abi", "evm.bytecode.object", "evm.deployedBytecode"] } },
    },
  };
}

function compile(input) {
  const solc = fromTests("solc");
  if (solc.version() !== SOLC) throw new Error(`this is solc ${solc.version()}; the helper is built by ${SOLC}`);
  const { errors = [], contracts } = JSON.parse(solc.compile(JSON.stringify(input)));
  if (errors.length > 0) throw new Error(errors.map((error) => error.formattedMessage).join("\n"));
  const { abi, evm } = contracts[SOURCE][CONTRACT];
  const { object: runtime, immutableReferences } = evm.deployedBytecode;
  if (Object.keys(immutableReferences).length > 0) throw new Error("immutables would leave the code hash open");
  return { abi, initcode: evm.bytecode.object, runtime };
}

const keccak = (hex) => keccak256(Buffer.from(hex, "hex"));

/** An address in the mixed case of EIP-55. */
function checksummed(address) {
  const hash = keccak256(address);
  return `0x${[...address].map((digit, i) => (parseInt(hash[i], 16) >= 8 ? digit.toUpperCase() : digit)).join("")}`;
}

function readme({ initcode, runtime }) {
  const address = keccak(`ff${PROXY}${SALT}${keccak(initcode)}`).slice(24);
  return `# The helper contract, built

Written by \`node contracts/helper/build.mjs\` from \`${SOURCE}\`; with \`--check\` it fails on any difference.
\`standard.json\` is the compiler's whole input, \`initcode.hex\` and \`abi.json\` its output. Anybody creates the helper by
sending 32 zero bytes and the initcode to the keyless CREATE2 proxy, and it then has this address on every chain.

| | |
|---|---|
| compiler | solc \`${SOLC}\` |
| proxy | \`${checksummed(PROXY)}\` |
| salt | \`0x${SALT}\` |
| initcode hash | \`0x${keccak(initcode)}\` (${initcode.length / 2} bytes) |
| **address** | \`${checksummed(address)}\` |
| **runtime code hash** | \`0x${keccak(runtime)}\` (${runtime.length / 2} bytes) |
`;
}

const input = standardJson();
const built = compile(input);
const files = {
  "standard.json": `${JSON.stringify(input, null, 2)}\n`,
  "initcode.hex": `0x${built.initcode}\n`,
  "abi.json": `${JSON.stringify(built.abi, null, 2)}\n`,
  "README.md": readme(built),
};

const check = process.argv.includes("--check");
for (const [name, text] of Object.entries(files)) {
  const path = join(HERE, name);
  if (!check) {
    writeFileSync(path, text);
    continue;
  }
  let committed = null;
  try {
    committed = readFileSync(path, "utf8");
  } catch {
    // Missing is different too.
  }
  if (committed === text) continue;
  console.error(`contracts/helper/${name} is not what ${SOURCE} gives; run node contracts/helper/build.mjs`);
  process.exitCode = 1;
}
