// A bundle in Node: calls its `run`, and prints the report.
import process from "node:process";
import { pathToFileURL } from "node:url";

if (process.release.name !== "node" || "Deno" in globalThis) {
  throw new Error("this is not Node: without one on the path, Deno takes its place");
}
const [context, bundle] = process.argv.slice(2);
const { run } = await import(pathToFileURL(bundle).href);
const report = await run(JSON.parse(context));
console.log("report", JSON.stringify({ ...report, version: process.versions.node }));
