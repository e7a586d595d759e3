// The soak test in workerd, bundled as a module worker.
import type { Sample, SoakContext, SoakReport } from "./workload.ts";

/** What is used of Miniflare. */
interface Workerd {
  readonly ready: Promise<unknown>;
  dispatchFetch(url: string, init: RequestInit): Promise<Response>;
  dispose(): Promise<void>;
}

/** Named by the deno.json of tests/support/runtimes only, so its types are not at hand here. */
const MINIFLARE = "miniflare";
const { Miniflare } = await import(MINIFLARE) as {
  Miniflare: new (options: object) => Workerd;
};

const MAIN = `
import { soak } from "./workload.js";
export default {
  fetch: async (request) =>
    Response.json(await soak(await request.json(), () => ({ heap: 0, rss: 0 }))),
};`;

/** How long a request to the worker takes, in seconds: what it holds is freed when it ends. */
const SLICE = 0.5;

const [given, bundle] = Deno.args;
const context: SoakContext = JSON.parse(given);
const workerd = new Miniflare({
  modules: [
    { type: "ESModule", path: "main.js", contents: MAIN },
    { type: "ESModule", path: "workload.js", contents: await Deno.readTextFile(bundle) },
  ],
  compatibilityDate: "2026-01-01",
  host: "127.0.0.1",
  cf: false,
});
try {
  await workerd.ready;
  const pid = await childOf(Deno.pid);
  const outcomes: Record<string, number> = {};
  const samples: Sample[] = [];
  let [uploads, resumed, bytes] = [0, 0, 0];
  const end = Date.now() + context.seconds * 1000;
  for (let slice = 0; Date.now() < end; slice++) {
    const body = JSON.stringify({ ...context, seed: context.seed + slice, seconds: SLICE });
    const response = await workerd.dispatchFetch("http://soak/", { method: "POST", body });
    if (!response.ok) throw new Error(`The worker answered ${response.status}`);
    const report = await response.json() as SoakReport;
    for (const [outcome, count] of Object.entries(report.outcomes)) {
      outcomes[outcome] = (outcomes[outcome] ?? 0) + count;
      uploads += count;
    }
    resumed += report.resumed;
    bytes += report.bytes;
    samples.push({ uploads, heap: 0, rss: await memoryOf(pid) });
  }
  const version = await workerdVersion();
  console.log(
    "report",
    JSON.stringify({ outcomes, resumed, bytes, samples, leaked: 0, version }),
  );
} finally {
  await workerd.dispose();
}

/** The memory of a process in bytes, seen from outside: a worker cannot see it. */
async function memoryOf(pid: number | undefined): Promise<number> {
  const status = pid && await Deno.readTextFile(`/proc/${pid}/status`).catch(() => undefined);
  return Number(status && /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] || 0) * 1024;
}

/** The version of workerd that miniflare brings. */
async function workerdVersion(): Promise<string> {
  const manifest = new URL("../../package.json", import.meta.resolve(MINIFLARE));
  return JSON.parse(await Deno.readTextFile(manifest)).dependencies.workerd;
}

/** The process that a process has started, on Linux. */
async function childOf(parent: number): Promise<number | undefined> {
  try {
    const children = await Deno.readTextFile(`/proc/${parent}/task/${parent}/children`);
    return Number(children.trim().split(" ").at(-1)) || undefined;
  } catch {
    return undefined;
  }
}
