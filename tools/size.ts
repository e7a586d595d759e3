/**
 * `deno task size`: how many bytes an application takes on by importing the library, minified for
 * browsers. `@noble/hashes` is not among them: it is loaded when MD5 is asked for. Fails above a limit.
 *
 * @module
 */

import { ROOT, run } from "./run.ts";

/** The most bytes that an entry may weigh after gzip. */
const LIMITS: Record<string, number> = {
  "mod.ts": 14_000,
  "src/worker.ts": 31_000,
};

async function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<number> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return (await new Response(stream).bytes()).length;
}

const folder = await Deno.makeTempDir({ prefix: "size-" });
let failed = false;
try {
  for (const [entry, limit] of Object.entries(LIMITS)) {
    const bundle = `${folder}/${entry.replaceAll("/", "-")}.js`;
    const { code, output } = await run([
      "bundle",
      "--quiet",
      "--minify",
      "--platform=browser",
      "--external=@noble/hashes/*",
      `--output=${bundle}`,
      new URL(entry, ROOT).href,
    ]);
    if (code !== 0) throw new Error(`${entry} cannot be bundled:\n${output}`);
    const bytes = await Deno.readFile(bundle);
    const zipped = await gzip(bytes);
    failed ||= zipped > limit;
    console.log(
      `${entry}: ${bytes.length} bytes minified, ${zipped} gzip; ` +
        `the limit is ${limit} gzip${zipped > limit ? ": TOO LARGE" : ""}`,
    );
  }
} finally {
  await Deno.remove(folder, { recursive: true });
}
if (failed) Deno.exit(1);
