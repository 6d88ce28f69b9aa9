// Recomputes a release's scopeRoot from a checkout, with no code of Tidegate: npm's `solc`, `ethers`
// for keccak256 and EIP-712, `canonicalize` for RFC 8785, all from tests/node_modules.
//
//   tidegate build --json --scope > scope.json
//   node scripts/scope-root.mjs PROJECT scope.json [SOLC_PACKAGE]
//
// Recomputed: the digests of source files, the closure of each contract, the compiler profile, both
// templates, every struct hash and the root. Taken from scope.json: which contracts there are, which
// file each source is and its name, remappings, the settings to compile with (those of the first
// contract: another profile gives another root), and the documents of storageLayout and paramPolicy,
// which are for people to read beside the sources. docs/formats.md §1 has the rules.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [project, file, compiler = 'solc'] = process.argv.slice(2);
const require = createRequire(new URL('../tests/package.json', import.meta.url));
const solc = require(compiler);
const { TypedDataEncoder, concat, id, keccak256 } = require('ethers');
const { default: canonicalize } = await import(require.resolve('canonicalize'));
const FIELDS = ['sourceClosure', 'compilerProfile', 'creationTemplate', 'runtimeTemplate', 'storageLayout', 'paramPolicy'];
const CODE_SCOPE = { CodeScope: [{ name: 'fqn', type: 'string' }, ...FIELDS.map((name) => ({ name, type: 'bytes32' }))] };
const OUTPUTS = ['metadata', 'evm.bytecode.object', 'evm.deployedBytecode.object', 'evm.legacyAssembly'];
const byBytes = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b));

const { contracts, remappings } = JSON.parse(readFileSync(file, 'utf8'));
const [sources, names, outputSelection] = [{}, {}, {}];
for (const { fqn, documents } of contracts) {
  for (const [name, { source, file }] of Object.entries(documents.sources)) {
    [sources[source], names[source]] = [{ content: readFileSync(join(project, file), 'utf8') }, name];
  }
  const [path, contract] = [documents.sources[fqn.slice(0, fqn.lastIndexOf(':'))].source, fqn.slice(fqn.lastIndexOf(':') + 1)];
  (outputSelection[path] ??= {})[contract] = OUTPUTS;
}
const { optimizer, evmVersion, viaIR, bytecodeHash, appendCBOR } = contracts[0].documents.profile;
const metadata = { bytecodeHash, ...(appendCBOR ? {} : { appendCBOR }) };
const settings = { remappings, optimizer, evmVersion, ...(viaIR ? { viaIR } : {}), metadata, outputSelection };
const output = JSON.parse(solc.compile(JSON.stringify({ language: 'Solidity', sources, settings })));

/** Code with libraries and every metadata, inner ones included, zeroed. */
const metadataOf = ({ '.auxdata': own, '.data': inner = {} }) =>
  [own ?? [], ...Object.values(inner).filter((data) => typeof data === 'object').map(metadataOf)].flat();
const template = (object, regions) => keccak256('0x' + regions.filter(Boolean).reduce(
  (code, region) => code.replaceAll(region, '0'.repeat(region.length)), object.replace(/__\$[0-9a-f]{34}\$__/g, '0'.repeat(40))));

const scopes = contracts.map(({ fqn, documents }) => {
  const at = fqn.lastIndexOf(':');
  const { metadata, evm } = output.contracts[documents.sources[fqn.slice(0, at)].source][fqn.slice(at + 1)];
  const { compiler, language, settings, sources: used } = JSON.parse(metadata);
  const profile = { compiler: 'solc', longVersion: compiler.version, language, evmVersion: settings.evmVersion,
    optimizer: { enabled: settings.optimizer.enabled, runs: settings.optimizer.runs }, viaIR: settings.viaIR ?? false,
    bytecodeHash: settings.metadata?.bytecodeHash ?? 'ipfs', appendCBOR: settings.metadata?.appendCBOR ?? true };
  const files = Object.keys(used).sort((a, b) => byBytes(names[a], names[b]));
  return { fqn,
    sourceClosure: keccak256(concat(files.flatMap((source) => [id(names[source]), id(sources[source].content)]))),
    compilerProfile: id(canonicalize(profile)),
    creationTemplate: template(evm.bytecode.object, metadataOf(evm.legacyAssembly)),
    runtimeTemplate: template(evm.deployedBytecode.object, metadataOf(evm.legacyAssembly)),
    storageLayout: id(canonicalize(documents.layout)),
    paramPolicy: id(canonicalize(documents.paramPolicy)) };
}).sort((a, b) => byBytes(a.fqn, b.fqn));
const root = keccak256(concat(scopes.map((scope) => TypedDataEncoder.hashStruct('CodeScope', CODE_SCOPE, scope))));
console.log(JSON.stringify({ scopeRoot: root, scopes }, null, 2));
