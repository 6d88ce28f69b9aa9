#!/usr/bin/env node
// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Makes the npm package `solc`, which is the compiler as WebAssembly, answer like the native `solc` binary, so
// that whoever drives a compiler by its path (this tool, forge) can drive this one. Only what such a driver asks
// for is here: `--version` and `--standard-json`.
//
// The tool writes this file into its cache with the package's folder in place of the one placeholder below.

"use strict";

const fs = require("node:fs");
const path = require("node:path");
const { isMainThread, parentPort, Worker, workerData } = require("node:worker_threads");

const SOLC_PACKAGE = __SOLC_PACKAGE__;

// What is recognised and has no meaning here, since every source is inline: true where a value follows.
const IGNORED = new Map([
  ["--base-path", true],
  ["--include-path", true],
  ["--allow-paths", true],
  ["-", false],
]);

// WebAssembly frames live on the thread's stack, and the code generator recurses along the source's nesting. The
// main thread's stack is bound by the shell's limit, and raising V8's idea of it beyond that limit crashes, so the
// compiler runs in a worker, whose stack is really allocated at this size.
const STACK_MB = 256;

/** Loads the compiler, which takes most of a second. */
function load() {
  const wrapper = require(path.join(SOLC_PACKAGE, "wrapper.js"));
  return wrapper(require(path.join(SOLC_PACKAGE, "soljson.js")));
}

/** Runs in the worker: one request in, one answer out. */
function work({ request, input }) {
  const compiler = load();
  if (request === "version") return compiler.version();
  return compiler.compile(input, {
    import: (name) => ({ error: `${name} is not among the inline sources` }),
  });
}

/** Gives the worker's answer; a compiler that crashes or stops without one is an error. */
function ask(data) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(__filename, { workerData: data, resourceLimits: { stackSizeMb: STACK_MB } });
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", (code) => reject(new Error(`the compiler stopped with code ${code}`)));
  });
}

/**
 * The compiler's long version. It is compressed inside the compiler and nowhere else in the package, so reading it
 * means loading the compiler; as drivers ask for it at every start, the answer is kept beside this file, bound to
 * the compiler's own bytes so that it can never speak of another one.
 */
async function version() {
  const bytes = fs.readFileSync(path.join(SOLC_PACKAGE, "soljson.js"));
  const digest = require("node:crypto").createHash("sha256").update(bytes).digest("hex");
  const kept = `${__filename}.version`;
  try {
    const [of, answer] = fs.readFileSync(kept, "utf8").trim().split(" ");
    if (of === digest && answer) return answer;
  } catch {
    // Nothing kept yet.
  }
  const answer = await ask({ request: "version" });
  try {
    // Renamed into place, so that another process never reads half a line.
    const draft = `${kept}.${process.pid}`;
    fs.writeFileSync(draft, `${digest} ${answer}\n`);
    fs.renameSync(draft, kept);
  } catch {
    // A folder that cannot be written costs time, not the answer.
  }
  return answer;
}

async function stdin() {
  const chunks = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

async function main(args) {
  let request = null;
  for (let i = 0; i < args.length; i++) {
    const [name, value] = args[i].split("=", 2);
    if (args[i] === "--version" || args[i] === "--standard-json") {
      request ??= args[i];
    } else if (IGNORED.has(name)) {
      if (IGNORED.get(name) && value === undefined) i++;
    } else {
      throw new Error(`option ${JSON.stringify(args[i])} is not known to the WebAssembly compiler's wrapper`);
    }
  }
  if (request === "--version") {
    return `solc, the solidity compiler commandline interface\nVersion: ${await version()}\n`;
  }
  if (request === "--standard-json") {
    return `${await ask({ request, input: await stdin() })}\n`;
  }
  throw new Error("either --version or --standard-json is needed");
}

if (isMainThread) {
  // One compilation is short: optimising all of the compiler first takes longer than it saves. A flag that another
  // version of node does not know costs a line on stderr.
  require("node:v8").setFlagsFromString("--wasm-tiering-budget=20000000");
  // A reader that has seen enough closes the pipe; that ends this process without a trace of its own.
  process.stdout.on("error", () => process.exit(1));
  main(process.argv.slice(2)).then(
    (output) => process.stdout.write(output),
    (error) => {
      process.stderr.write(`solc: ${String(error.message).split("\n", 1)[0]}\n`);
      process.exitCode = 1;
    },
  );
} else {
  parentPort.postMessage(work(workerData));
}
