/**
 * An hour's worth of uploads in a short time, with faults in one request of a hundred: memory stays flat, and nothing
 * is left open. `SOAK_SECONDS` is the time for each runtime, `PROPERTY_SEED` repeats a run.
 *
 * Usage: `deno test -A --v8-flags=--expose-gc tests/soak/soak.ts`, or `deno task test:long soak`
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { ROOT, RUNTIMES, runtimes } from "../support/runtimes.ts";
import { growth } from "./memory.ts";
import { soak, type SoakContext, type SoakReport } from "./workload.ts";

const SECONDS = Number(Deno.env.get("SOAK_SECONDS") ?? 20);
const SEED = Number(Deno.env.get("PROPERTY_SEED") ?? Math.floor(Math.random() * 1e6));

/**
 * By how much memory may grow in all after the warm-up, and with each upload, in bytes. One of both bounds has to hold: the
 * first is for short runs, the second for long ones. An upload has 512 KiB on average, in chunks of 256 KiB or more.
 */
const BOUNDS = {
  heap: { all: 4 * 1024 * 1024, each: 500 },
  rss: { all: 48 * 1024 * 1024, each: 4_000 },
};
/**
 * workerd keeps memory whatever a worker does: plain `fetch` with the same bytes costs 10 to 15 KB an upload. Where it gets
 * little of the processor it collects garbage late: then the first bound counts, the 128 MiB that a worker may have and half
 * of that for the memory that it gives back later. A few hundred bodies that were kept are more.
 */
const WORKERD = { heap: BOUNDS.heap, rss: { all: 192 * 1024 * 1024, each: 100_000 } };
/** What injected faults make of an upload that cannot be saved, or of which nobody can tell. */
const FATAL = ["session_gone", "data_corruption", "precondition_failed"];

type Report = SoakReport & { leaked: number; version: string };

/** Starts Google in another process, so that its memory is not counted. */
async function withGoogle<T>(use: (context: SoakContext) => Promise<T>): Promise<T> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--allow-all", "--no-check", "tests/soak/server.ts", String(SEED)],
    cwd: ROOT,
    stdin: "null",
    stdout: "piped",
  }).spawn();
  try {
    const reader = child.stdout.getReader();
    const origin = new TextDecoder().decode((await reader.read()).value).trim();
    reader.releaseLock();
    return await use({ origin, seed: SEED, seconds: SECONDS });
  } finally {
    child.kill("SIGKILL");
    await child.stdout.cancel();
    await child.status;
  }
}

function check(runtime: string, report: Report, bounds: typeof BOUNDS = BOUNDS): void {
  const { outcomes, resumed, bytes, samples, leaked, version } = report;
  const uploads = Object.values(outcomes).reduce((sum, count) => sum + count, 0);
  const [heap, rss] = [growth(samples, "heap"), growth(samples, "rss")].map(Math.round);
  const last = samples.at(-1);
  const mib = (value = 0) => `${Math.round(value / 1024 / 1024)} MiB`;
  console.log(
    `${runtime} ${version}: PROPERTY_SEED=${SEED}, ${uploads} uploads, ${mib(bytes)}, ` +
      `${resumed} resumed, ${JSON.stringify(outcomes)}; heap ${mib(last?.heap)} ` +
      `(${heap} bytes an upload), rss ${mib(last?.rss)} (${rss} bytes an upload)`,
  );
  const others = Object.keys(outcomes).filter((code) => code !== "stored" && !FATAL.includes(code));
  assertEquals(others, [], "only what cannot be saved fails");
  assert(outcomes.stored > 0.97 * uploads, "nearly all are stored");
  assert(resumed > 0, "some go on from a checkpoint");
  assertEquals(leaked, 0, "sockets are closed");
  assert(samples.length >= 10, `${samples.length} samples are too few`);
  const counted = samples.length === 0 ? 0 : samples.at(-1)!.uploads - samples[0].uploads;
  assert(
    heap <= bounds.heap.each || heap * counted <= bounds.heap.all,
    `the heap grows by ${heap} bytes an upload`,
  );
  assert(
    rss <= bounds.rss.each || rss * counted <= bounds.rss.all,
    `memory grows by ${rss} bytes an upload`,
  );
}

/** Runs a program to its end, which has to come soon after its report: what is left open would keep it. */
async function program([command, ...args]: string[], context: SoakContext): Promise<Report> {
  const { code, stdout, stderr } = await new Deno.Command(command, {
    args,
    cwd: ROOT,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(context.seconds * 1000 + 30_000),
  }).output();
  const output = new TextDecoder().decode(stdout);
  const report = output.match(/^report (\{.*\})$/m)?.[1];
  if (code === 0 && report !== undefined) return JSON.parse(report);
  throw new Error(`ended with code ${code}\n${output}${new TextDecoder().decode(stderr)}`);
}

async function deno(cwd: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd }).output();
  if (!success) throw new Error(`deno ${args[0]} failed:\n${new TextDecoder().decode(stderr)}`);
}

const command = (name: string) => runtimes.find((runtime) => runtime.name === name)!.command;

Deno.test({
  name: "soak in Deno: memory is flat, and no stream, timer or socket is left",
  sanitizeOps: true,
  sanitizeResources: true,
  fn: () =>
    withGoogle(async (context) => {
      const { gc } = globalThis as { gc?: () => void };
      const report = await soak(context, () => {
        gc?.();
        const { heapUsed, rss } = Deno.memoryUsage();
        return { heap: heapUsed, rss };
      });
      check("deno", { ...report, leaked: 0, version: Deno.version.deno });
    }),
});

Deno.test("soak in Bun: memory is flat, no socket is left, and the process ends by itself", () =>
  withGoogle(async (context) => {
    await deno(RUNTIMES, "install", "--quiet");
    const [bun, flag] = command("bun");
    const script = `${ROOT}tests/soak/run_bun.ts`;
    check("bun", await program([bun, flag, script, JSON.stringify(context)], context));
  }));

Deno.test("soak in workerd: memory is flat", () =>
  withGoogle(async (context) => {
    await deno(RUNTIMES, "install", "--quiet");
    const folder = await Deno.makeTempDir({ prefix: "soak-" });
    try {
      const bundle = `${folder}/workload.js`;
      const flags = ["--quiet", "--platform=browser", "--output", bundle];
      await deno(ROOT, "bundle", ...flags, "tests/soak/workload.ts");
      const script = `${ROOT}tests/soak/run_workerd.ts`;
      const start = command("workerd").slice(0, -1);
      const report = await program([...start, script, JSON.stringify(context), bundle], context);
      check("workerd", report, WORKERD);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  }));
