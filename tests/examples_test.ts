// What holds of the examples as files: what is said to be the same is, every one is in the index and run by a test, and the
// packages that they name are the version that is here.

import { assert, assertEquals } from "@std/assert";
import manifest from "../deno.json" with { type: "json" };
import { read, repositoryFiles } from "../tools/files.ts";

const files = await repositoryFiles();

for (const path of ["backend.js", "src/uploads.ts", "src/style.css"]) {
  Deno.test(`examples/react, vue and svelte have the ${path} of examples/plain`, async () => {
    const base = await read(`examples/plain/${path}`);
    for (const name of ["react", "vue", "svelte"]) {
      const copy = await read(`examples/${name}/${path}`);
      assert(copy === base, `copy examples/plain/${path} to examples/${name}/${path}`);
    }
  });
}

Deno.test("every example is in examples/README.md", async () => {
  const index = await read("examples/README.md");
  const examples = files.flatMap((path) => /^examples\/([^/]+)/.exec(path)?.[1] ?? []);
  const helpers = ["README.md", "page_server.ts"];
  const missing = [...new Set(examples)].filter((name) =>
    !helpers.includes(name) && !index.includes(`${name})`) && !index.includes(`${name}/`)
  );
  assertEquals(missing, []);
});

Deno.test("every example is named by a test", async () => {
  const tests = files.filter((path) => path.startsWith("tests/") && path.endsWith(".ts"));
  const text = (await Promise.all(tests.map(read))).join("\n");
  const examples = new Set(files.flatMap((path) => /^examples\/([^/]+)/.exec(path)?.[1] ?? []));
  const missing = [...examples].filter((name) =>
    !/^(?:README\.md|page_server\.ts)$/.test(name) && !text.includes(name)
  );
  assertEquals(missing, []);
});

Deno.test("the packages of the examples name the version of deno.json", async () => {
  for (const path of files.filter((path) => /^examples\/[^/]+\/package\.json$/.test(path))) {
    const { dependencies } = JSON.parse(await read(path));
    assertEquals(dependencies[manifest.name], `^${manifest.version}`, path);
  }
});
