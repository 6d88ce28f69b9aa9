// Compiles the sources in this folder to one *.hex file a contract.
//
//   node make.mjs            (in this folder; it uses the packages in tests/node_modules)

import { createRequire } from "node:module";
import { readFileSync, writeFileSync } from "node:fs";

const modules = new URL("../../../../../tests/node_modules/", import.meta.url);
const solc = createRequire(modules)("solc");
const read = (path) => readFileSync(path, "utf8");
const here = ["Own.sol", "Pokes.sol", "Shared.sol", "Upgradeable.sol"];
const sources = Object.fromEntries(here.map((name) => [name, { content: read(new URL(name, import.meta.url)) }]));
const wanted = { "*": { "*": ["evm.deployedBytecode.object"] } };
const found = (path) => ({ contents: read(new URL(path, modules)) });

// Every contract by the legacy code generator, and some by the other one.
for (const [viaIR, suffix, only] of [[false, "", null], [true, "Ir", ["PokeNever", "SharedShrinks", "UpMany", "UpItems"]]]) {
  const settings = { viaIR, optimizer: { enabled: true, runs: 200 }, outputSelection: wanted };
  const input = JSON.stringify({ language: "Solidity", sources, settings });
  const output = JSON.parse(solc.compile(input, { import: found }));
  for (const error of output.errors ?? []) if (error.severity === "error") throw new Error(error.formattedMessage);
  for (const [name, contract] of here.flatMap((file) => Object.entries(output.contracts[file]))) {
    // The place of a library's own address, and of linked ones, is left empty.
    const code = contract.evm.deployedBytecode.object.replace(/__\$\w+\$__/g, "0".repeat(40));
    if (code === "" || !(only?.includes(name) ?? true)) continue;
    writeFileSync(new URL(`${name}${suffix}.hex`, import.meta.url), code + "\n");
  }
}
