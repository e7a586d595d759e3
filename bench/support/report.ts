/** `bench/results.json`, and what is made from it. */

import { BENCHES } from "./benches.ts";
import { charts } from "./chart.ts";
import type { Machine } from "./machine.ts";
import { summary } from "../summary.ts";
import { table } from "./table.ts";

/** The file. */
export interface Results {
  readonly machine: Machine | undefined;
  /** By the name of the benchmark. */
  readonly benches: Record<string, unknown>;
}

const RESULTS = new URL("../results.json", import.meta.url);
const DOCUMENT = new URL("../../docs/performance.md", import.meta.url);

/** Reads the file; an empty one where there is none. */
export async function readResults(): Promise<Results> {
  const text = await Deno.readTextFile(RESULTS).catch(() => `{"benches":{}}`);
  return JSON.parse(text);
}

/** Writes the file. */
export async function writeResults(results: Results): Promise<void> {
  await Deno.writeTextFile(RESULTS, `${JSON.stringify(results, null, 2)}\n`);
}

/** The files that are made from the results, with what must be in them. */
export async function rendered(
  { machine, benches }: Results,
): Promise<[path: URL, text: string][]> {
  let document = await Deno.readTextFile(DOCUMENT);
  if (machine) document = fill(document, "machine", describe(machine));
  document = fill(document, "summary", summary(benches));
  for (const [name, { render }] of Object.entries(BENCHES)) {
    const text = benches[name]
      ? render(benches[name], benches)
      : `Not measured yet: \`deno task bench ${name}\`.`;
    document = fill(document, name, text);
  }
  const images = charts(benches).map(([name, svg]): [URL, string] => [
    new URL(`../../docs/${name}.svg`, import.meta.url),
    svg,
  ]);
  const files = [[DOCUMENT, document] as [URL, string], ...images];
  return await Promise.all(files.map(async ([path, text]): Promise<[URL, string]> => {
    return [path, await formatted(path, text)];
  }));
}

/** Replaces what stands between `<!-- bench: name -->` and `<!-- end -->`. */
function fill(document: string, name: string, text: string): string {
  const start = `<!-- bench: ${name} -->`;
  const from = document.indexOf(start) + start.length;
  const to = document.indexOf("<!-- end -->", from);
  if (from < start.length || to < 0) {
    throw new Error(`docs/performance.md has no place for ${name}`);
  }
  return `${document.slice(0, from)}\n\n${text.trim()}\n\n${document.slice(to)}`;
}

function describe({ processor, cores, memory, system, versions }: Machine): string {
  const rows = Object.entries(versions).map(([name, version]) => [name, version]);
  return `${processor}, ${cores} cores, ${memory} GiB, ${system}.\n\n${
    table(["what", "version"], rows)
  }`;
}

/** What `deno fmt` makes of a file. */
async function formatted(path: URL, text: string): Promise<string> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["fmt", `--ext=${path.pathname.split(".").at(-1)}`, "-"],
    cwd: new URL("../../", import.meta.url),
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = command.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { success, stdout } = await command.output();
  if (!success) throw new Error(`${path.pathname} cannot be formatted`);
  return new TextDecoder().decode(stdout);
}
