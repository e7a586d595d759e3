// What several suites install or unpack, done once before they run side by side.

import { repositoryFiles } from "./files.ts";
import { ROOT, run } from "./run.ts";

/**
 * Installs the packages that tests and examples name, each list in the folder it is in, and lets Deno fetch its bundler.
 * Where that fails, the tests that need it say why.
 */
export async function prepare(): Promise<void> {
  const files = await repositoryFiles();
  const folders = files
    .filter((path) => /^(?:tests|examples)\/.*deno\.lock$/.test(path))
    .map((path) => new URL(path.replace(/deno\.lock$/, ""), ROOT));
  const start = performance.now();
  const output = `${await Deno.makeTempDir({ prefix: "prepare-" })}/bundle.js`;
  await run(["bundle", "--quiet", "--output", output, "src/errors.ts"]);
  await Deno.remove(output.replace(/\/bundle\.js$/, ""), { recursive: true });
  for (const cwd of folders) await run(["install", "--quiet"], { cwd });
  console.log(`prepared in ${((performance.now() - start) / 1000).toFixed(0)} s`);
}
