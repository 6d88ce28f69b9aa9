// What OpenZeppelin's upgrades-core refuses of contracts behind proxies.
//
// Usage: node check.mjs FOLDER. The folder holds one folder a pair with `V1.sol`, `V2.sol` and
// `kind`; in both sources the contract is `C`. Prints one line a pair: its folder, a tab, and what
// is refused of the second version, by itself and as an upgrade of the first, or `ok`.

import { createRequire } from 'node:module';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const require = createRequire(new URL('../package.json', import.meta.url));
const core = '@openzeppelin/upgrades-core/dist';
const solc = require('solc');
const { solcInputOutputDecoder } = require(`${core}/src-decoder`);
const { getErrors, getStorageLayout, validate } = require(`${core}/validate`);
const { getStorageUpgradeErrors } = require(`${core}/storage`);

const folder = process.argv[2];
const pairs = readdirSync(folder).sort();
const sources = {};
for (const pair of pairs) {
  for (const version of ['V1', 'V2']) {
    const content = readFileSync(join(folder, pair, `${version}.sol`), 'utf8');
    sources[`${pair}/${version}.sol`] = { content };
  }
}
const outputSelection = { '*': { '*': ['storageLayout', 'evm.bytecode'], '': ['ast'] } };
const input = { language: 'Solidity', sources, settings: { outputSelection } };
const output = JSON.parse(solc.compile(JSON.stringify(input)));
const errors = (output.errors ?? []).filter((error) => error.severity === 'error');
if (errors.length > 0) throw new Error(errors.map((e) => e.formattedMessage).join('\n'));
const decodeSrc = solcInputOutputDecoder(input, output);

/** One source, validated alone, so that what is thrown for one is not thrown for all. */
function validated(source) {
  const alone = {
    sources: { [source]: output.sources[source] },
    contracts: { [source]: output.contracts[source] },
  };
  const run = validate(alone, decodeSrc, '0.8.37', { sources: { [source]: sources[source] } });
  return { data: { version: '3.4', log: [run] }, version: run[`${source}:C`].version };
}

function name(error) {
  switch (error.kind) {
    case 'constructor':
      return error.contract;
    case 'missing-initializer-call':
      return error.parentContracts.join(', ');
    case 'duplicate-initializer-call':
      return error.parentInitializer;
    default:
      return error.name ?? '';
  }
}

function refused(pair) {
  const kind = readFileSync(join(folder, pair, 'kind'), 'utf8');
  const [before, after] = ['V1', 'V2'].map((version) => validated(`${pair}/${version}.sol`));
  const safety = getErrors(after.data, after.version, { kind });
  const layouts = [before, after].map(({ data, version }) => getStorageLayout(data, version));
  const layout = getStorageUpgradeErrors(...layouts);
  return [
    ...safety.map((error) => `${error.kind} ${name(error)}`.trim()),
    ...layout.map(({ kind, original, updated }) => `${kind} ${(updated ?? original).label}`),
  ];
}

function verdict(pair) {
  try {
    const words = [...new Set(refused(pair))].sort();
    return words.length === 0 ? 'ok' : words.join('; ');
  } catch (error) {
    const unknown = /argument not recognized: (\S+)/.exec(error.message);
    if (unknown !== null) return `unknown-annotation ${unknown[1]}`;
    throw error;
  }
}

// What is only advice would stand between the lines.
console.error = () => {};
console.warn = () => {};
for (const pair of pairs) process.stdout.write(`${pair}\t${verdict(pair)}\n`);
