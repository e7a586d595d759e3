// Runs the portable suite in one runtime, against a server in this process, and prints what came of it:
// `deno run -A one_runtime.ts runtime "text in a case's name" bundle` ends with a line `outcome {…}`.

import type { Context } from "./case.ts";
import { ROOT, type Runtime, runtimes } from "../support/runtimes.ts";
import { startOrigin } from "./server.ts";
import type { Report } from "./suite.ts";

/** A runtime may take this long in all, in milliseconds. */
const TIME_LIMIT = 400_000;

/** Runs the suite in one runtime, with a server of its own. */
async function runIn(
  runtime: Runtime,
  only: string,
  bundle: string,
): Promise<Report & { version: string }> {
  const { origin, close } = await startOrigin();
  try {
    const context: Context = { origin, runtime: runtime.name, only };
    return await collect(runtime, JSON.stringify(context), bundle);
  } finally {
    await close();
  }
}

async function collect(
  { name, command: [program, ...args] }: Runtime,
  context: string,
  bundle: string,
): Promise<Report & { version: string }> {
  const child = new Deno.Command(program, {
    args: [...args, context, bundle],
    cwd: ROOT,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let late = false;
  const limit = setTimeout(() => {
    late = true;
    child.kill("SIGTERM");
  }, TIME_LIMIT);
  const force = setTimeout(() => child.kill("SIGKILL"), TIME_LIMIT + 5_000);
  const { code, stdout, stderr } = await child.output();
  clearTimeout(limit);
  clearTimeout(force);
  const output = new TextDecoder().decode(stdout);
  const report = output.match(/^report (\{.*\})$/m)?.[1];
  if (late || code !== 0 || report === undefined) {
    const what = late ? `still running after ${TIME_LIMIT} ms` : `ended with code ${code}`;
    throw new Error(`${name} ${what}\n${output}${new TextDecoder().decode(stderr)}`);
  }
  return JSON.parse(report);
}

const [name, only, bundle] = Deno.args;
const outcome = await runIn(runtimes.find((runtime) => runtime.name === name)!, only, bundle)
  .then((report) => ({ report }), (error: Error) => ({ problem: error.message }));
console.log("outcome", JSON.stringify(outcome));
