// A module in Deno, from its source: calls its `run`, and prints the report.
import { pathToFileURL } from "node:url";

const [context, module] = Deno.args;
const { run } = await import(pathToFileURL(module).href);
const report = await run(JSON.parse(context));
console.log("report", JSON.stringify({ ...report, version: Deno.version.deno }));
