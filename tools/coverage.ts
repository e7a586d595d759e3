/**
 * `deno task coverage`: which lines of src/ the tests run. Prints a line a file with the lines that no
 * test runs, and the total. Arguments go to `deno test`.
 *
 * @module
 */

import { read, repositoryFiles } from "./files.ts";
import { ROOT, run } from "./run.ts";

/** A file and its lines: how often each was run. */
interface FileCoverage {
  path: string;
  hits: Map<number, number>;
}

const FOLDER = ".tmp/coverage";

async function deno(args: string[]): Promise<string> {
  const { code, output } = await run(args);
  if (code === 0) return output;
  console.error(output);
  return Deno.exit(1);
}

/** Reads what `deno coverage --lcov` writes: `SF:` starts a file, `DA:line,count` is a line of it. */
function parse(lcov: string): FileCoverage[] {
  const files: FileCoverage[] = [];
  for (const line of lcov.split("\n")) {
    const [, kind, value] = line.match(/^(SF|DA):(.*)$/) ?? [];
    if (kind === "SF") {
      const path = value.replaceAll("\\", "/").replace(/^.*\/(?=src\/)/, "");
      files.push({ path, hits: new Map() });
    } else if (kind === "DA") {
      const [number, count] = value.split(",").map(Number);
      files.at(-1)?.hits.set(number, count);
    }
  }
  return files;
}

/** Numbers as ranges: `3-5, 9`. */
function ranges(numbers: number[]): string {
  const parts: [number, number][] = [];
  for (const number of numbers) {
    const last = parts.at(-1);
    if (last && number === last[1] + 1) last[1] = number;
    else parts.push([number, number]);
  }
  return parts.map(([from, to]) => from === to ? `${from}` : `${from}-${to}`).join(", ");
}

const percent = (part: number, whole: number) =>
  `${(whole === 0 ? 100 : 100 * part / whole).toFixed(1)}%`;

/** Whether a module is more than types. */
const hasCode = (source: string) =>
  /^(?:export )?(?:default |async |abstract )*(?:function|class|const|let)\b/m.test(source);

await deno([
  "test",
  "--allow-all",
  "--no-check",
  "--quiet",
  "--clean",
  `--coverage=${FOLDER}`,
  "--coverage-raw-data-only",
  ...(Deno.args.length > 0 ? Deno.args : ["tests/"]),
]);
const source = "^" + RegExp.escape(new URL("src/", ROOT).href);
const loaded = parse(await deno(["coverage", "--quiet", "--lcov", `--include=${source}`, FOLDER]));

let [covered, total] = [0, 0];
const rows: string[][] = [];
for (const { path, hits } of loaded.sort((a, b) => a.path < b.path ? -1 : 1)) {
  const missed = [...hits].filter(([, count]) => count === 0).map(([line]) => line);
  const run = hits.size - missed.length;
  covered += run;
  total += hits.size;
  rows.push([path, `${run}/${hits.size}`, percent(run, hits.size), ranges(missed)]);
}
rows.push(["total", `${covered}/${total}`, percent(covered, total), ""]);
const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column].length)));
for (const [path, lines, share, missed] of rows) {
  console.log(
    [path.padEnd(widths[0]), lines.padStart(widths[1]), share.padStart(widths[2]), missed]
      .join("  ").trimEnd(),
  );
}

const seen = new Set(loaded.map(({ path }) => path));
for (const path of await repositoryFiles()) {
  if (!/^src\/.*\.ts$/.test(path) || seen.has(path) || !hasCode(await read(path))) continue;
  console.log(`${path} is loaded by no test`);
}
