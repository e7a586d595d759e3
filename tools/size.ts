/**
 * `deno task size`: how many bytes an application takes on by importing the library, minified for
 * browsers. `@noble/hashes` is not among them: it is loaded when MD5 is asked for. A test holds the
 * limits, `tests/size_test.ts`.
 *
 * @module
 */

import { ROOT, run } from "./run.ts";

/** The most bytes that the bundle of an entry may weigh after gzip; behind `#` the one name that an application imports. */
export const LIMITS: Readonly<Record<string, number>> = {
  "mod.ts": 33_000,
  "mod.ts#SimpleUpload": 18_400,
  "mod.ts#cancelUpload": 11_700,
  "mod.ts#upload": 29_200,
  "mod.ts#uploadToSession": 25_200,
  "src/auth/mod.ts": 19_800,
  "src/checkpoints/mod.ts": 2_000,
  "src/directory.ts": 1_300,
  "src/parallel/mod.ts": 48_300,
  "src/parallel/mod.ts#uploadMany": 35_200,
  "src/worker.ts": 67_500,
  "src/xhr/mod.ts": 3_000,
};

/** The arguments of `deno bundle` that make what an application has of the library. */
export const BUNDLE_ARGS: readonly string[] = ["--platform=browser", "--external=@noble/hashes/*"];

/** A bundle, in bytes. */
export interface Weight {
  readonly minified: number;
  readonly gzip: number;
}

/** Bundles and weighs a module, or one name of it; its path is from the root of the repository. */
export async function weigh(
  entry: string,
  args: readonly string[] = BUNDLE_ARGS,
): Promise<Weight> {
  const folder = await Deno.makeTempDir({ prefix: "size-" });
  try {
    const bundle = `${folder}/bundle.js`;
    const [path, name] = entry.split("#");
    let module = new URL(path, ROOT).href;
    if (name !== undefined) {
      const importer = `${folder}/importer.ts`;
      await Deno.writeTextFile(importer, `export { ${name} } from ${JSON.stringify(module)};`);
      module = importer;
    }
    const { code, output } = await run([
      "bundle",
      "--quiet",
      "--minify",
      ...args,
      `--output=${bundle}`,
      module,
    ]);
    if (code !== 0) throw new Error(`${entry} cannot be bundled:\n${output}`);
    const bytes = await Deno.readFile(bundle);
    return { minified: bytes.length, gzip: await gzip(bytes) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<number> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return (await new Response(stream).bytes()).length;
}

if (import.meta.main) {
  let failed = false;
  for (const [entry, limit] of Object.entries(LIMITS)) {
    const { minified, gzip } = await weigh(entry);
    failed ||= gzip > limit;
    console.log(
      `${entry}: ${minified} bytes minified, ${gzip} gzip; ` +
        `the limit is ${limit} gzip${gzip > limit ? ": TOO LARGE" : ""}`,
    );
  }
  if (failed) Deno.exit(1);
}
