// Recomputes a release's scopeRoot from a checkout with no code of Tidegate: npm's `solc`, `ethers`
// for keccak256 and EIP-712, `canonicalize` for RFC 8785, all of them from tests/node_modules.
//
//   tidegate build --json --scope > scope.json
//   node scripts/scope-root.mjs PROJECT scope.json [SOLC_PACKAGE]
//
// Recomputed: what each file holds, each contract's closure of files, the compiler profile, both
// templates, every struct hash and the root. Taken from scope.json: which contracts there are, name
// and file of each source, remappings, what to set the compiler to (as for the first contract: if
// another has another profile, the root comes out different), and the documents of storageLayout
// and paramPolicy, which are for people to read beside the sources. The rules: docs/formats.md §1.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [project, file, compiler = 'solc'] = process.argv.slice(2);
const packages = new URL('../tests/', import.meta.url);
const require = createRequire(new URL('package.json', packages));
const { TypedDataEncoder, concat, id, keccak256, toBeHex } = require('ethers');
const jcs = await import(new URL('node_modules/canonicalize/lib/canonicalize.js', packages));
const digest = (document) => id(jcs.default(document));
const OUTPUTS = ['metadata', 'evm.bytecode', 'evm.deployedBytecode', 'evm.legacyAssembly'];
const CODE_SCOPE = ['sourceClosure', 'compilerProfile', 'creationTemplate', 'runtimeTemplate',
  'storageLayout', 'paramPolicy'].map((name) => ({ name, type: 'bytes32' }));
const TYPES = { CodeScope: [{ name: 'fqn', type: 'string' }, ...CODE_SCOPE] };
const byBytes = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b));

const { contracts, remappings } = JSON.parse(readFileSync(file, 'utf8'));
const [sources, names, outputSelection] = [{}, {}, { '*': { '': ['ast'] } }];
for (const contract of contracts) {
  const at = contract.fqn.lastIndexOf(':');
  contract.source = contract.documents.sources[contract.fqn.slice(0, at)].source;
  contract.name = contract.fqn.slice(at + 1);
  (outputSelection[contract.source] ??= {})[contract.name] = OUTPUTS;
  for (const [name, { source, file }] of Object.entries(contract.documents.sources)) {
    // As forge reads them.
    const text = readFileSync(join(project, file), 'utf8').replaceAll('\r\n', '\n');
    sources[source] = { content: text };
    names[source] = name;
  }
}
const { optimizer, evmVersion, viaIR, debug, ...hashing } = contracts[0].documents.profile;
const metadata = { bytecodeHash: hashing.bytecodeHash };
if (!hashing.appendCBOR) metadata.appendCBOR = false; // older compilers do not know the key
const settings = { remappings, optimizer, evmVersion, metadata, outputSelection };
if (viaIR) settings.viaIR = true;
if (debug) settings.debug = debug;
const input = { language: 'Solidity', sources, settings };
const output = JSON.parse(require(compiler).compile(JSON.stringify(input)));

/** Every metadata in an assembly and in those inside it. */
const regions = ({ '.auxdata': own, '.data': inner = {} }) =>
  [own, ...Object.values(inner).flatMap((data) => (data['.code'] ? regions(data) : []))]
    .filter(Boolean);
/** Where these bytes stand in some code, both in hexadecimal. */
const placesOf = (code, region) => {
  const places = [];
  for (let at = code.indexOf(region); at >= 0; at = code.indexOf(region, at + 1)) {
    if (at % 2 === 0) places.push({ start: at / 2, length: region.length / 2 });
  }
  return places;
};
/** The name of each variable by its id in the syntax trees, with its contract and source. */
const variables = new Map();
for (const [source, { ast }] of Object.entries(output.sources)) {
  for (const contract of ast.nodes.filter((node) => node.nodeType === 'ContractDefinition')) {
    for (const node of contract.nodes.filter((node) => node.nodeType === 'VariableDeclaration')) {
      variables.set(String(node.id), [names[source], `${contract.name}.${node.name}`]);
    }
  }
}
const OWN = 'library_deploy_address';
/** Immutables as `Contract.variable`, with the path in front where two have the same name. */
const immutables = (references = {}, source, contract) => {
  const own = [names[source], `${contract}.${OWN}`];
  const named = Object.entries(references).map(([id, places]) => ({
    places, name: id === OWN ? own : variables.get(id),
  }));
  const alone = ({ name }) => named.filter((other) => other.name[1] === name[1]).length === 1;
  return named.flatMap((each) => {
    const name = alone(each) ? each.name[1] : each.name.join(':');
    return each.places.map(({ start, length }) => ({ start, length, kind: 'immutable', name }));
  });
};
const libraries = (references = {}) =>
  Object.entries(references).flatMap(([source, places]) =>
    Object.entries(places).flatMap(([library, spans]) =>
      spans.map(({ start, length }) => ({
        start, length, kind: 'link', name: `${names[source]}:${library}`,
      }))));
/** The hash of code with zeros at every place that is filled in later or is metadata, and of what
 * each place is. */
const template = ({ object, linkReferences }, assembly, immutables) => {
  let code = object.replace(/__\$[0-9a-f]{34}\$__/g, (place) => '0'.repeat(place.length));
  const metadata = [...new Set(regions(assembly))].flatMap((region) => placesOf(code, region));
  const masks = [
    ...libraries(linkReferences), ...(immutables ?? []),
    ...metadata.map((place) => ({ ...place, kind: 'metadata', name: '' })),
  ];
  const taken = ({ start, length }) => start < 21 && start + length > 1;
  if (immutables && code.startsWith(`73${'0'.repeat(40)}3014`) && !masks.some(taken)) {
    masks.push({ start: 1, length: 20, kind: 'own-address', name: '' });
  }
  masks.sort((a, b) => a.start - b.start || a.length - b.length);
  const words = masks.flatMap(({ start, length, kind, name }) => {
    code = code.slice(0, 2 * start) + '0'.repeat(2 * length) + code.slice(2 * (start + length));
    return [toBeHex(start, 32), toBeHex(length, 32), id(kind), id(name)];
  });
  return keccak256(concat([id('template/1'), keccak256('0x' + code), ...words]));
};

const scopes = contracts.map(({ fqn, source, name, documents }) => {
  const { metadata, evm } = output.contracts[source][name];
  const { compiler, language, settings: used, sources: closure } = JSON.parse(metadata);
  const profile = {
    compiler: 'solc', longVersion: compiler.version, language, evmVersion: used.evmVersion,
    optimizer: used.optimizer, ...(used.debug && { debug: used.debug }),
    viaIR: used.viaIR ?? false, bytecodeHash: used.metadata?.bytecodeHash ?? 'ipfs',
    appendCBOR: used.metadata?.appendCBOR ?? true,
  };
  const files = Object.keys(closure).sort((a, b) => byBytes(names[a], names[b]));
  return {
    fqn,
    sourceClosure: keccak256(concat(files.flatMap((f) => [id(names[f]), id(sources[f].content)]))),
    compilerProfile: digest(profile),
    creationTemplate: template(evm.bytecode, evm.legacyAssembly),
    runtimeTemplate: template(evm.deployedBytecode, evm.legacyAssembly,
      immutables(evm.deployedBytecode.immutableReferences, source, name)),
    storageLayout: digest(documents.layout),
    paramPolicy: digest(documents.paramPolicy),
  };
}).sort((a, b) => byBytes(a.fqn, b.fqn));
const hashes = scopes.map((scope) => TypedDataEncoder.hashStruct('CodeScope', TYPES, scope));
console.log(JSON.stringify({ scopeRoot: keccak256(concat(hashes)), scopes }, null, 2));
