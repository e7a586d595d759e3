/**
 * `deno task bench profile [node | deno | bun]`: where the time of one upload goes. Prints the functions that took most of it
 * themselves, and where the whole profile is, for the developer tools of a browser.
 *
 * @module
 */

import { table } from "./support/table.ts";
import { BUILD, bundle, type ClientRuntime, output, runtimeCommand } from "./support/programs.ts";
import { startSink } from "./support/sink.ts";
import { sizeOf } from "./upload/figures.ts";
import { makeFile } from "./upload/file.ts";
import type { Job } from "./upload/job.ts";

const ROWS = 30;

/** What V8 writes, as far as it matters here. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: {
      readonly functionName: string;
      readonly url: string;
      readonly lineNumber: number;
    };
  }[];
  /** The node of each sample, and the microseconds before it. */
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** Uploads a file once, and prints where the time went. */
export async function profile(runtime: ClientRuntime): Promise<void> {
  await using sink = await startSink();
  await using file = await makeFile(sizeOf(2 ** 30));
  const program = await bundle(new URL("upload/program.ts", import.meta.url).pathname);
  const { origin } = sink;
  const job: Job = {
    client: "upload",
    source: "file",
    origin,
    warmUp: origin,
    path: file.path,
  };
  const name = `${runtime}.cpuprofile`;
  const [command, ...args] = runtimeCommand(runtime);
  const flags = ["--cpu-prof", `--cpu-prof-dir=${BUILD}`, `--cpu-prof-name=${name}`];
  console.log(await output([command, ...args, ...flags, program, JSON.stringify(job)]));
  console.log(
    `\n${selfTimes(JSON.parse(await Deno.readTextFile(BUILD + name)))}\n\n${BUILD}${name}`,
  );
}

/** The functions by the time that they took themselves. */
function selfTimes({ nodes, samples, timeDeltas }: CpuProfile): string {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const times = new Map<string, number>();
  samples.forEach((id, i) => {
    const name = names.get(id)!;
    times.set(name, (times.get(name) ?? 0) + timeDeltas[i] / 1000);
  });
  const total = timeDeltas.reduce((sum, delta) => sum + delta / 1000, 0);
  const rows = [...times].toSorted(([, a], [, b]) => b - a).slice(0, ROWS).map(([name, time]) => [
    name,
    time.toFixed(0),
    (100 * time / total).toFixed(1),
  ]);
  return table(["function", "ms", "%"], rows);
}

function nameOf({ functionName, url, lineNumber }: CpuProfile["nodes"][0]["callFrame"]): string {
  const file = url.slice(url.lastIndexOf("/") + 1);
  return `${functionName || "(anonymous)"}${file && ` ${file}:${lineNumber + 1}`}`;
}
