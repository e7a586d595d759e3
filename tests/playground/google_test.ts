// The emulated Google of the playground: what happened to one worker has happened to the next.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { badNetwork } from "../../examples/page/network.ts";
import { type Google, openGoogle } from "../../examples/playground/worker/google.ts";
import type { JournalEntry } from "../../examples/playground/worker/journal.ts";
import { difference, pattern } from "../e2e/support.ts";

const QUANTUM = 262_144;
const URL_OF = "https://storage.googleapis.com/upload/storage/v1/b/playground/o";

/** A Google that is stopped and started again at will. */
async function restartable() {
  const entries: JournalEntry[] = [];
  const open = () =>
    openGoogle([...entries], (entry) => {
      entries.push({ ...entry, playground: "p", at: entries.length });
      return Promise.resolve();
    });
  let google: Google = await open();
  return {
    entries,
    restart: async () => void (google = await open()),
    async fetch(url: string, init: RequestInit = {}) {
      return await google.fetch(new Request(url, { duplex: "half", ...init } as RequestInit));
    },
  };
}

const start = (name: string) => `${URL_OF}?uploadType=resumable&name=${name}`;
const put = (range: string, body: BodyInit | null = null): RequestInit => ({
  method: "PUT",
  headers: { "content-range": range },
  body,
});

Deno.test("a session goes on at the next worker under the address that the first one gave", async () => {
  const google = await restartable();
  const bytes = pattern(QUANTUM + 5) as Uint8Array<ArrayBuffer>;
  const session = (await google.fetch(start("a"), { method: "POST" })).headers.get("location")!;
  await google.fetch(session, put("bytes 0-262143/*", bytes.slice(0, QUANTUM)));
  await google.restart();
  const asked = await google.fetch(session, put("bytes */*"));
  assertEquals([asked.status, asked.headers.get("range")], [308, "bytes=0-262143"]);
  const last = put(`bytes ${QUANTUM}-${QUANTUM + 4}/${QUANTUM + 5}`, bytes.slice(QUANTUM));
  assertEquals((await google.fetch(session, last)).status, 200);
  await google.restart();
  const object = await google.fetch(
    "https://storage.googleapis.com/storage/v1/b/playground/o/a?alt=media",
  );
  assertEquals(difference(await object.bytes(), bytes), -1);
});

Deno.test("X-Goog-Upload sessions go on as well", async () => {
  const google = await restartable();
  const command = (command: string, offset?: number): Record<string, string> => ({
    "x-goog-upload-command": command,
    ...offset !== undefined && { "x-goog-upload-offset": String(offset) },
  });
  const opened = await google.fetch(`${URL_OF}?name=b`, {
    method: "POST",
    headers: { ...command("start"), "x-goog-upload-protocol": "resumable" },
  });
  const session = opened.headers.get("x-goog-upload-url")!;
  const chunk = new Uint8Array(QUANTUM);
  await google.fetch(session, { method: "POST", headers: command("upload", 0), body: chunk });
  await google.restart();
  const asked = await google.fetch(session, { method: "POST", headers: command("query") });
  assertEquals(asked.headers.get("x-goog-upload-size-received"), String(QUANTUM));
});

Deno.test("a chunk that was cut has the next worker hold no less than the first one said", async () => {
  const google = await restartable();
  const network = badNetwork();
  const bytes = pattern(4 * QUANTUM) as Uint8Array<ArrayBuffer>;
  const session = (await google.fetch(start("c"), { method: "POST" })).headers.get("location")!;
  network.set({ next: "cut" });
  const whole = new Request(session, put(`bytes 0-${bytes.length - 1}/${bytes.length}`, bytes));
  await assertRejects(() =>
    network.carry(
      whole,
      ({ url, method, headers, body }) => google.fetch(url, { method, headers, body }),
    )
  );
  const heldBy = async () => {
    const { headers } = await google.fetch(session, put("bytes */*"));
    return Number(headers.get("range")?.split("-")[1] ?? -1) + 1;
  };
  const before = await heldBy();
  await google.restart();
  const after = await heldBy();
  assert(after >= before && after % QUANTUM === 0 && after <= bytes.length / 2, `${after}`);
  const rest = put(`bytes ${after}-${bytes.length - 1}/${bytes.length}`, bytes.slice(after));
  assertEquals((await google.fetch(session, rest)).status, 200);
  const url = "https://storage.googleapis.com/storage/v1/b/playground/o/c?alt=media";
  assertEquals(difference(await (await google.fetch(url)).bytes(), bytes), -1);
});

Deno.test("questions are not written down, and what is refused changes nothing", async () => {
  const google = await restartable();
  const session = (await google.fetch(start("d"), { method: "POST" })).headers.get("location")!;
  await google.fetch(session, put("bytes */*"));
  await google.fetch("https://storage.googleapis.com/storage/v1/b/playground/o");
  assertEquals(google.entries.length, 1);
  assertEquals((await google.fetch(session, { method: "DELETE" })).status, 499);
  await google.restart();
  assert([404, 410, 499].includes((await google.fetch(session, put("bytes */*"))).status));
});
