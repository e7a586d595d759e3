// A bundle in workerd, the runtime of Cloudflare Workers, as a module worker: calls its `run`, and prints the report.
import { Miniflare } from "miniflare";

const MAIN = `
import { run } from "./suite.js";
export default {
  fetch: async (request) => Response.json(await run(await request.json())),
};`;

const [context, bundle] = Deno.args;
const workerd = new Miniflare({
  modules: [
    { type: "ESModule", path: "main.js", contents: MAIN },
    { type: "ESModule", path: "suite.js", contents: await Deno.readTextFile(bundle) },
  ],
  compatibilityDate: "2026-01-01",
  host: "127.0.0.1",
  cf: false,
});
try {
  const response = await workerd.dispatchFetch("http://suite/", { method: "POST", body: context });
  if (!response.ok) {
    throw new Error(`the worker answered ${response.status}: ${await response.text()}`);
  }
  const report = await response.json() as object;
  console.log("report", JSON.stringify({ ...report, version: await workerdVersion() }));
} finally {
  await workerd.dispose();
}

/** The version of workerd that miniflare brings. */
async function workerdVersion(): Promise<string> {
  const manifest = new URL("../../package.json", import.meta.resolve("miniflare"));
  return JSON.parse(await Deno.readTextFile(manifest)).dependencies.workerd;
}
