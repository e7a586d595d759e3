// The code that the page shows compiles as it stands, with the strictest settings. `deno task test:long` runs it.

import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { codeOf, SHOWN } from "../../examples/playground/code.ts";
import { JOBS } from "./jobs.ts";

const ROOT = new URL("../../", import.meta.url);

Deno.test("the code that is shown compiles, with the strictest settings", async () => {
  const folder = await Deno.makeTempDir({ dir: await made(".tmp"), prefix: "code-" });
  try {
    const paths = await Promise.all(JOBS.map(async (job, at) => {
      const path = `${folder}/${job.way}-${at}.ts`;
      await Deno.writeTextFile(path, codeOf(job, SHOWN));
      return path;
    }));
    const isTus = (path: string) => /\/tus-\d+\.ts$/.test(path);
    await check(fileURLToPath(new URL("deno.json", ROOT)), paths.filter((path) => !isTus(path)));
    const tus = fileURLToPath(new URL("examples/playground/tus/deno.json", ROOT));
    await check(tus, paths.filter(isTus));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

async function made(path: string): Promise<string> {
  const folder = fileURLToPath(new URL(path, ROOT));
  await Deno.mkdir(folder, { recursive: true });
  return folder;
}

async function check(config: string, paths: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["check", "--quiet", `--config=${config}`, ...paths],
    env: { NO_COLOR: "1" },
    stderr: "piped",
  }).output();
  assertEquals(success, true, new TextDecoder().decode(stderr));
}
