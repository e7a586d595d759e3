// The suite in Deno, from its source.
import { run } from "../suite.ts";

const [context] = Deno.args;
const report = await run(JSON.parse(context));
console.log("report", JSON.stringify({ ...report, version: Deno.version.deno }));
