/**
 * `deno task size`: how many bytes an application takes on by importing the library, minified for
 * browsers. `@noble/hashes` is not among them: it is loaded when MD5 is asked for. A test holds the
 * limits, `tests/size_test.ts`.
 *
 * @module
 */

import { ROOT, run } from "./run.ts";

/** Who may change a limit, and how; said where a bundle exceeds one. */
export const RAISING: string =
  "Look first for what can go. A limit is raised by a maintainer only, in the change that needs it, to what the bundle weighs " +
  "and 1 % more; the commit says what the bytes are for. Everybody may lower one.";

/**
 * The most bytes that the bundle of an entry may weigh after gzip; behind `#` the one name that an application imports. Who may
 * raise one: {@linkcode RAISING}.
 */
export const LIMITS: Readonly<Record<string, number>> = {
  "mod.ts": 33_600,
  "mod.ts#SimpleUpload": 18_600,
  "mod.ts#cancelUpload": 11_900,
  "mod.ts#upload": 29_500,
  "mod.ts#uploadToSession": 25_450,
  "src/auth/mod.ts": 19_800,
  "src/checkpoints/mod.ts": 2_000,
  "src/directory.ts": 1_300,
  "src/parallel/mod.ts": 48_800,
  "src/parallel/mod.ts#uploadMany": 35_200,
  "src/worker.ts": 69_300,
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
  if (failed) {
    console.log(RAISING);
    Deno.exit(1);
  }
}
