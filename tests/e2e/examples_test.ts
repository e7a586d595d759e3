// The example programs do what they are there to show.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { serveEmulator } from "../../src/emulator/serve.ts";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { difference, inFolder, pattern, run } from "./support.ts";

const MIB = 1024 * 1024;

Deno.test("example: a file is uploaded with progress", () =>
  inFolder(async (folder) => {
    await Deno.writeFile(`${folder}/file`, pattern(10 * MIB));
    const { code, stdout, stderr } = await run("examples/upload_file.ts", `${folder}/file`);
    assertEquals([code, stderr], [0, ""]);
    assertStringIncludes(stdout, `${10 * MIB} bytes sent, ${10 * MIB} of ${10 * MIB} stored`);
    assertMatch(stdout, /my file: 10485760 bytes, crc32c \S{8}\n$/);
  }));

Deno.test("example: an upload goes on after its process was killed", () =>
  inFolder(async (folder) => {
    const bytes = pattern(6 * MIB + 5);
    await Deno.writeFile(`${folder}/file`, bytes);
    const gcs = new GcsEmulator();
    const server = await serveEmulator(gcs);
    try {
      const args = ["examples/resume_after_crash.ts", server.origin, `${folder}/file`] as const;
      const first = await run(...args);
      assert(first.code !== 0, "the first run was to be killed");
      assertEquals(gcs.objects.length, 0);
      const before = gcs.requests.length;
      const second = await run(...args);
      assertEquals([second.code, second.stderr], [0, ""]);
      assertStringIncludes(second.stdout, `going on; ${4 * MIB} bytes were stored`);
      assertEquals(difference(gcs.get("my-bucket", "my file")!.bytes!, bytes), -1);
      const kinds = gcs.requests.slice(before).map(({ kind }) => kind);
      assertEquals(kinds, ["status", "chunk", "chunk", "final"]);
      const left = await Array.fromAsync(Deno.readDir(folder));
      assertEquals(left.map(({ name }) => name), ["file"]);
    } finally {
      await server.close();
    }
  }));

Deno.test("example: a download is compressed and uploaded at once", async () => {
  const { code, stdout, stderr } = await run("examples/pipe_response.ts");
  assertEquals([code, stderr], [0, ""]);
  assertMatch(stdout, /^log\.gz: \d{5} bytes of gzip\n$/);
});

Deno.test("example: the loop in one's own hands", async () => {
  const { code, stdout, stderr } = await run("examples/manual_loop.ts");
  assertEquals([code, stderr], [0, ""]);
  assertMatch(stdout, /failed: unavailable\n[^]*failed: transport_failed\n/);
  assertMatch(stdout, /zeros: 5000000 bytes\n$/);
});

Deno.test("example: a transport adds a token and writes down each request", async () => {
  const { code, stdout, stderr } = await run("examples/custom_transport.ts");
  assertEquals([code, stderr], [0, ""]);
  assertMatch(stdout, /^POST .* → 200\nPUT .* bytes 0-262143\/600000 → 308\n/);
  assertMatch(stdout, /hello\.txt: 600000 bytes\n$/);
  assert(!/upload_id|secret/.test(stdout), "a secret is shown");
});

for (const script of ["upload_file.ts", "resume_after_crash.ts"]) {
  Deno.test(`example: ${script} says what it needs`, async () => {
    const { code, stderr } = await run(`examples/${script}`);
    assertEquals(code, 2);
    assertMatch(stderr, /^usage: /);
  });
}
