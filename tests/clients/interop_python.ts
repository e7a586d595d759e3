// Google's Python clients against the emulator, and through the proxy.

import { assertEquals } from "@std/assert";
import { serveEmulator } from "../../src/emulator/serve.ts";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { createUploadProxy, signUploadTicket } from "../../src/worker.ts";
import { difference } from "../e2e/support.ts";
import { python, runProgram } from "../support/programs.ts";

const SCRIPT = new URL("interop_python.py", import.meta.url).pathname;
const SECRET = "a ticket secret of more than thirty-two bytes";
const DATA = Uint8Array.from({ length: 1_000_003 }, (_, i) => i * 7 + (i >> 8));

/** What has to come in a session, since the case is about that. */
const IN_SESSIONS = /chunks|writer|session|retried|seed-re|proxy-seed/;

/** A line of the script. */
type Line =
  & { name?: string; objects: string[]; problem: string | null }
  & { package?: string; version?: string };

const installed = await python();
const skip = "reason" in installed;
if (skip) console.log(`not run, for want of ${installed.reason}`);

Deno.test({
  name: "Google's Python clients upload to the emulator and through the proxy",
  ignore: skip,
  async fn(test) {
    if ("reason" in installed) return;
    const gcs = new GcsEmulator();
    const google = await serveEmulator(gcs);
    const proxy = createUploadProxy({
      transport: fetch,
      endpoint: google.origin,
      bucket: "my-bucket",
      tickets: { secret: SECRET },
      sessionSecrets: ["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"],
    });
    const edge = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, proxy.fetch);
    try {
      const grant = { subject: "tester", prefix: "" };
      const ticket = await signUploadTicket(SECRET, grant, { expiresIn: 600 });
      const args = [SCRIPT, google.origin, `http://127.0.0.1:${edge.addr.port}`, ticket];
      const output = await runProgram(installed.path, args);
      const lines = output.trim().split("\n").map((line) => JSON.parse(line) as Line);
      for (const line of lines.filter(({ package: name }) => name)) {
        console.log(`${line.package} ${line.version}`);
      }
      for (const { name, objects, problem } of lines) {
        if (name === undefined) continue;
        await test.step(name, () => {
          assertEquals(problem, null);
          for (const object of objects) {
            const stored = gcs.get("my-bucket", object)?.bytes ?? new Uint8Array();
            assertEquals(difference(stored, DATA), -1, `${object}: the first difference`);
            const sessions = gcs.sessions.filter(({ name }) => name === object).length;
            assertEquals(sessions, IN_SESSIONS.test(object) ? 1 : 0, `sessions of ${object}`);
          }
        });
      }
    } finally {
      await edge.shutdown();
      await google.close();
    }
  },
});
