// What OpenZeppelin's upgrades-core says of pairs of contracts.
//
// Usage: node check.mjs FOLDER. The folder holds one folder a pair with `V1.sol` and `V2.sol`; in
// both the contract is `C`. Prints one line a pair: its folder, a tab, and `ok` or what is wrong.

import { createRequire } from 'node:module';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const require = createRequire(new URL('../package.json', import.meta.url));
const core = '@openzeppelin/upgrades-core/dist';
const solc = require('solc');
const { astDereferencer, findAll } = require('solidity-ast/utils');
const { solcInputOutputDecoder } = require(`${core}/src-decoder`);
const { makeNamespacedInput } = require(`${core}/utils/make-namespaced`);
const { extractStorageLayout } = require(`${core}/storage/extract`);
const { getStorageUpgradeErrors } = require(`${core}/storage`);

/** Errors that are thrown, not reported. */
const THROWN = [
  [/^Namespace (\S+) is defined multiple times/, (id) => `duplicate-namespace ${id}`],
  [/clashes with the storage location for namespace (\S+)$/m, (id) => `clash ${id}`],
  [/^Recursive types are not supported/, () => 'recursion'],
];

const folder = process.argv[2];
const pairs = readdirSync(folder).sort();

function compile(input) {
  const output = JSON.parse(solc.compile(JSON.stringify(input)));
  const errors = (output.errors ?? []).filter((error) => error.severity === 'error');
  if (errors.length > 0) throw new Error(errors.map((e) => e.formattedMessage).join('\n'));
  const deref = astDereferencer(output);
  const context = (source) => {
    const ast = output.sources[source].ast;
    const contractDef = [...findAll('ContractDefinition', ast)].find(({ name }) => name === 'C');
    return { deref, contractDef, storageLayout: output.contracts[source].C.storageLayout };
  };
  return { output, context };
}

const sources = {};
for (const pair of pairs) {
  for (const version of ['V1', 'V2']) {
    const content = readFileSync(join(folder, pair, `${version}.sol`), 'utf8');
    sources[`${pair}/${version}.sol`] = { content };
  }
}
const outputSelection = { '*': { '*': ['storageLayout'], '': ['ast'] } };
const input = { language: 'Solidity', sources, settings: { outputSelection } };
const plain = compile(input);
const namespaced = compile(makeNamespacedInput(input, plain.output));
const decodeSrc = solcInputOutputDecoder(input, plain.output);

function layout(source) {
  const { deref, contractDef, storageLayout } = plain.context(source);
  const inner = namespaced.context(source);
  return extractStorageLayout(contractDef, decodeSrc, deref, storageLayout, inner);
}

/** A change of a type: its kind, and the kinds inside. */
const change = ({ kind, inner }) => (inner === undefined ? kind : `${kind}: ${change(inner)}`);

function said({ kind, namespace, original, updated, change: inside }) {
  const name = namespace ?? (updated ?? original).label;
  return kind === 'typechange' ? `${kind} ${name}: ${change(inside)}` : `${kind} ${name}`;
}

function verdict(pair) {
  try {
    const errors = getStorageUpgradeErrors(layout(`${pair}/V1.sol`), layout(`${pair}/V2.sol`));
    return errors.length === 0 ? 'ok' : errors.map(said).join('; ');
  } catch (error) {
    for (const [pattern, words] of THROWN) {
      const match = pattern.exec(error.message);
      if (match !== null) return words(...match.slice(1));
    }
    throw error;
  }
}

// What is only advice would stand between the lines.
console.error = () => {};
for (const pair of pairs) process.stdout.write(`${pair}\t${verdict(pair)}\n`);
