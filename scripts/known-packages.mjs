// Writes crates/tidegate-compile/src/known/openzeppelin.txt from unpacked npm packages: what is named
// `dep:` is what stands there. A line is the first half of keccak256(keccak256(name) ‖ keccak256(file)),
// where `name` is `<package>/<path>`; lines are sorted.
//
//   npm pack @openzeppelin/contracts@VERSION   (and -upgradeable; see docs/formats.md §1 for the versions)
//   node scripts/known-packages.mjs FOLDER…    each with its package.json
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';

const require = createRequire(new URL('../tests/package.json', import.meta.url));
const { concat, id, keccak256 } = require('ethers');
const TABLE = new URL('../crates/tidegate-compile/src/known/openzeppelin.txt', import.meta.url);

const lines = new Set();
for (const folder of process.argv.slice(2)) {
  const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const files = readdirSync(folder, { recursive: true, withFileTypes: true });
  const sources = files.filter((file) => file.isFile() && file.name.endsWith('.sol'));
  for (const file of sources) {
    const path = join(file.parentPath ?? file.path, file.name);
    const source = `${name}/${relative(folder, path)}`;
    lines.add(keccak256(concat([id(source), keccak256(readFileSync(path))])).slice(2, 34));
  }
  console.log(`${name} ${version}: ${sources.length} files`);
}
writeFileSync(TABLE, [...lines].sort().map((line) => `${line}\n`).join(''));
console.log(`${lines.size} lines`);
