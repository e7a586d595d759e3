// The suite of Node's streams and files, in Node, Bun and Deno, each in a process of its own.

import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { startOrigin } from "../portable/server.ts";
import { RUNTIMES } from "../support/runtimes.ts";
import type { Report } from "../portable/suite.ts";
import { commandOf, output } from "../support/runtime_program.ts";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

async function bundle(entry: string, to: string, ...args: string[]): Promise<void> {
  await output(Deno.execPath(), ["bundle", "--quiet", ...args, "--output", to, here(entry)]);
}

/** Runs a script with the suite's bundle and reads its report. */
async function reportOf(runtime: string, script: string, file: string): Promise<Report> {
  const { origin, close } = await startOrigin();
  try {
    const [program, ...args] = commandOf(runtime);
    const only = Deno.env.get("ONLY") ?? "";
    const context = JSON.stringify({ origin, runtime, only });
    const text = await output(program, [...args, here(script), context, file]);
    return JSON.parse(/^report (\{.*\})$/m.exec(text)![1]);
  } finally {
    await close();
  }
}

Deno.test("uploads of Node's streams and files, in Node, Bun and Deno", async (t) => {
  const folder = await Deno.makeTempDir({ prefix: "node-suite-" });
  try {
    await output(Deno.execPath(), ["install", "--quiet"], { cwd: RUNTIMES });
    const suite = `${folder}/suite.mjs`;
    await bundle("suite.ts", suite, "--platform=deno", "--external", "node:*");
    for (const runtime of ["node", "bun", "deno"]) {
      await t.step(runtime, async () => {
        const { passed, failures } = await reportOf(runtime, "run.mjs", suite);
        const told = failures.map(({ name, message }) => `- ${name}\n    ${message}`);
        if (told.length > 0) throw new Error(`${told.length} cases fail\n${told.join("\n")}`);
        if (passed === 0) throw new Error("nothing has run");
      });
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the library in a context of node:vm, as test runners load it, takes what comes from outside", async () => {
  const folder = await Deno.makeTempDir({ prefix: "node-suite-" });
  try {
    const library = `${folder}/library.cjs`;
    await bundle("../../mod.ts", library, "--platform=browser", "--format=cjs");
    const emulator = `${folder}/emulator.mjs`;
    await bundle("../../src/emulator/mod.ts", emulator, "--platform=browser");
    const failures = JSON.parse(
      await output("node", [here("realms.mjs"), library, emulator]),
    );
    assertEquals(failures, []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
