// A module in Bun, from its source: calls its `run`, and prints the report.
import process from "node:process";
import { pathToFileURL } from "node:url";

const [context, module] = process.argv.slice(2);
const { run } = await import(pathToFileURL(module).href);
const report = await run(JSON.parse(context));
console.log("report", JSON.stringify({ ...report, version: process.versions.bun }));
