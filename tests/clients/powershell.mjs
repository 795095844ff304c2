// Parses PowerShell scripts with tree-sitter's grammar. Prints a JSON list: of each script its
// errors, and the verbatim strings in it as they stand there.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { Language, Parser } from "web-tree-sitter";

await Parser.init();
const grammar = dirname(createRequire(import.meta.url).resolve("tree-sitter-powershell/package.json"));
const parser = new Parser();
parser.setLanguage(await Language.load(join(grammar, "tree-sitter-powershell.wasm")));

const scripts = process.argv.slice(2).map((path) => {
  const found = { path, errors: [], strings: [] };
  const walk = (node) => {
    if (node.isError || node.isMissing) {
      found.errors.push(`line ${node.startPosition.row + 1}: ${node.text.slice(0, 60)}`);
    }
    if (node.type === "verbatim_string_characters") found.strings.push(node.text);
    for (const child of node.children) walk(child);
  };
  walk(parser.parse(readFileSync(path, "utf8")).rootNode);
  return found;
});
console.log(JSON.stringify(scripts));
