#!/usr/bin/env node
// The pinned npm compiler as a program: `--version`, and `--standard-json` from standard input to standard output.
// npm solc's own command line prints a line before its JSON, which no reader of JSON survives.
"use strict";

const fs = require("node:fs");
const path = require("node:path");

const load = () => require(path.join(__dirname, "node_modules", "solc"));

const asked = process.argv.slice(2);
if (asked.includes("--version")) {
  process.stdout.write(`solc, the solidity compiler commandline interface\nVersion: ${load().version()}\n`);
} else if (asked.includes("--standard-json")) {
  process.stdout.write(load().compile(fs.readFileSync(0, "utf8")));
} else {
  process.stderr.write("usage: solc.cjs --version | --standard-json < input.json\n");
  process.exitCode = 2;
}
