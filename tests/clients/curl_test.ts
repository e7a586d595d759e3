// The steps with curl in docs/clients.md work as they stand.

import { assertEquals } from "@std/assert";
import { has } from "../support/programs.ts";
import { runProgram } from "../support/programs.ts";
import { sample, withProxy } from "./link.ts";

const ignore = !has("curl") || !has("bash");
if (ignore) console.log("tests/clients: curl is left out: there is no `curl`, or no `bash`");

/** The commands of docs/clients.md, one text for each step. */
const document = await Deno.readTextFile(new URL("../../docs/clients.md", import.meta.url));
const [start, ...steps] = [...document.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, step]) => step);
const [chunk, query, finish, cancel] = steps;

/** Runs commands in a folder with a photo of 300 000 bytes; gives what they print. */
async function shell(...commands: string[]) {
  const cwd = await Deno.makeTempDir({ prefix: "curl-" });
  try {
    return await withProxy(async ({ proxy, gcs, ticket }) => {
      await Deno.writeFile(`${cwd}/photo.png`, sample(300_000));
      const script = ["set -euo pipefail", ...commands].join("\n");
      const env = { PROXY: proxy, TICKET: await ticket() };
      return { printed: await runProgram("bash", ["-c", script], { cwd, env }), gcs };
    });
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
}

Deno.test("docs/clients.md has the steps of an upload with curl", () => {
  assertEquals(steps.length, 4);
});

Deno.test({
  name: "curl through the proxy, as docs/clients.md has it: start, chunk, status, finish",
  ignore,
  async fn() {
    const { printed, gcs } = await shell(start, chunk, query, finish);
    assertEquals(printed.match(/^(?:HTTP\/\S+ )?[1-5]\d\d\b/gm)?.map((line) => line.slice(-3)), [
      "308",
      "308",
      "200",
    ]);
    assertEquals(printed.match(/^range: .*$/gim), ["range: bytes=0-262143"]);
    assertEquals(gcs.requests.map(({ kind }) => kind), ["initiate", "chunk", "status", "final"]);
    assertEquals(gcs.objects.map(({ name, contentType }) => [name, contentType]), [
      ["uploads/photo.png", "image/png"],
    ]);
    assertEquals(gcs.objects[0].bytes, sample(300_000));
  },
});

Deno.test({
  name: "curl through the proxy, as docs/clients.md has it: start, chunk, cancel",
  ignore,
  async fn() {
    const { printed, gcs } = await shell(start, chunk, cancel);
    assertEquals(printed.trim().split(/\s+/), ["308", "499"]);
    assertEquals([gcs.sessions[0].phase, gcs.objects.length], ["cancelled", 0]);
  },
});
