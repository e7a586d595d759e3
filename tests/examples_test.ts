// What holds of the examples as files: what is said to be the same is, every one is in the index and run by a test, and the
// packages that they name are the version that is here.

import { assert, assertEquals } from "@std/assert";
import manifest from "../deno.json" with { type: "json" };
import { proxyOptions } from "../src/worker.ts";
import { read, repositoryFiles } from "../tools/files.ts";
import { randomSecret } from "./worker/support/rules.ts";

const OWN = "tests/examples_test.ts";
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

Deno.test("the programs of README.md are JavaScript, as `node upload.mjs` wants them", async () => {
  const AsyncFunction = (async () => {}).constructor as FunctionConstructor;
  const programs = [...(await read("README.md")).matchAll(/^```ts\n(.*?)^```$/gms)];
  assert(programs.length >= 5, `${programs.length} programs`);
  for (const [, program] of programs) {
    new AsyncFunction(program.replaceAll(/^import .*$/gm, "")); // is read, and not run
  }
});

/** The files and folders of examples/, but for what only helps others. */
const examples = [...new Set(files.flatMap((path) => /^examples\/([^/]+)/.exec(path)?.[1] ?? []))]
  .filter((name) => name !== "README.md" && name !== "page_server.ts");

Deno.test("every example is in examples/README.md", async () => {
  const index = await read("examples/README.md");
  assertEquals(
    examples.filter((name) =>
      !index.includes(name === "page" ? "deno task start" : `deno task ${name}`) &&
      !index.includes(`(${name}`) && !index.includes(`examples/${name}`)
    ),
    [],
  );
});

Deno.test("every example is run by a test, which has its name or its path", async () => {
  const tests = files.filter((path) => /^tests\/.*\.ts$/.test(path) && path !== OWN);
  const text = (await Promise.all(tests.map(read))).join("\n");
  assertEquals(
    examples.filter((name) =>
      !text.includes(`examples/${name}`) && !text.includes(`"${name}"`) &&
      !text.includes(`"deno ${name}`)
    ),
    [],
  );
});

Deno.test("the lines that examples/README.md shows of an example are in that example", async () => {
  const index = await read("examples/README.md");
  const rows = [
    ...index.matchAll(/^\|.*?\]\(([\w./]+)\).*\|\s+(?:``(.+?)``|`([^`]+)`)\s+\|$/gm),
  ];
  assert(rows.length > 12, `${rows.length} rows`);
  for (const [, path, ...quoted] of rows) {
    const line = quoted.find((part) => part !== undefined)!;
    assert((await read(`examples/${path}`)).includes(line), `examples/${path} has no ${line}`);
  }
});

Deno.test("the lines that docs/guides/browser.md shows of the frameworks are in their examples", async () => {
  const guide = await read("docs/guides/browser.md");
  const rows = [
    ...guide.matchAll(/^\| \[\w+\]\(\.\.\/\.\.\/(examples\/[\w./]+)\)\s+\| `([^`]+)`/gm),
  ];
  assert(rows.length >= 4, `${rows.length} rows`);
  for (const [, path, line] of rows) {
    assert((await read(path)).includes(line), `${path} has no ${line}`);
  }
});

Deno.test("the packages of the examples name the version of deno.json", async () => {
  for (const path of files.filter((path) => /^examples\/[^/]+\/package\.json$/.test(path))) {
    const { dependencies } = JSON.parse(await read(path));
    assertEquals(dependencies[manifest.name], `^${manifest.version}`, path);
  }
});

Deno.test("docs/tickets.md has each claim of the reference, with its name in code", async () => {
  const rows = (text: string) =>
    new Map([...text.matchAll(/^\| `(\w+)`\s+\| `(\w+)`\s+\|/gm)].map(([, a, b]) => [a, b]));
  const [, claims] = (await read("docs/reference/words.md")).split("## Claims of a ticket");
  const shown = rows(await read("docs/tickets.md"));
  for (const [claim, name] of rows(claims.split("\n## ")[0])) {
    // In a grant `expires` is a moment; who signs says for how long.
    assertEquals(shown.get(claim), claim === "exp" ? "expiresIn" : name, claim);
  }
});

Deno.test("the settings of examples/cloudflare/.dev.vars.example are those of a worker in front of an emulator", async () => {
  const text = await read("examples/cloudflare/.dev.vars.example");
  const settings = Object.fromEntries(
    [...text.matchAll(/^(\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]),
  );
  assertEquals([settings.SESSION_SECRET, settings.TICKET_SECRET], ["", ""]); // nobody shares one
  const options = proxyOptions({
    ...settings,
    SESSION_SECRET: randomSecret(),
    TICKET_SECRET: randomSecret(),
    GCS_BUCKET: "my-bucket",
  });
  assertEquals(options.endpoint, "http://127.0.0.1:8085");
});

Deno.test("each field of the log that docs/deploy.md shows is one of the reference", async () => {
  const [, shown] = /## The log[^]*?```json\n([^]*?)```/.exec(await read("docs/deploy.md"))!;
  const [, fields] = (await read("docs/reference/words.md")).split("## Fields of the proxy's log");
  for (const name of Object.keys(JSON.parse(shown))) assert(fields.includes(`\`${name}`), name);
});
