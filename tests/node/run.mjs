// The suite in Node, Bun or Deno, bundled.
import process from "node:process";
import { pathToFileURL } from "node:url";

const [context, bundle] = process.argv.slice(2);
const { run } = await import(pathToFileURL(bundle).href);
const { bun, deno, node } = process.versions;
const report = await run(JSON.parse(context), (listener) => {
  process.on("uncaughtException", listener);
  process.on("unhandledRejection", listener);
});
console.log("report", JSON.stringify({ ...report, version: bun ?? deno ?? node }));
process.exit(0);
