// How the worker is set up, in each runtime by that runtime's own means.

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { UploadError } from "../../mod.ts";
import { pattern } from "../e2e/support.ts";
import type { WorkerSettings } from "../../src/worker.ts";
import { assertStored } from "./support/assert.ts";
import { endAfterAll, randomSecret, rule, startSession, uploadThrough } from "./support/rules.ts";

endAfterAll();

const VALUE = "hunter2";

const wrong: [what: string, name: string, settings: WorkerSettings][] = [
  ["is missing", "SESSION_SECRET", { SESSION_SECRET: undefined }],
  ["is malformed", "SESSION_SECRET", { SESSION_SECRET: VALUE }],
  ["is missing, and with it the key", "GOOGLE_SERVICE_ACCOUNT", { GOOGLE_AUTH: undefined }],
  ["is malformed", "MAX_CHUNK_BYTES", { MAX_CHUNK_BYTES: VALUE }],
  ["is missing, as all that could allow an upload", "TICKET_SECRET", { TICKET_SECRET: undefined }],
];

for (const [what, name, settings] of wrong) {
  rule(
    `the log names the setting that ${what}, and the reply does not: ${name}`,
    async ({ worker, upstream }) => {
      const url = `${worker.origin}/upload/storage/v1/b/bucket/o?uploadType=resumable&name=a`;
      const reply = await fetch(url, { method: "POST" });
      const text = await reply.text();
      assertEquals(reply.status, 403);
      const { error } = JSON.parse(text);
      assert(!text.includes(name), text);
      assertEquals([error.code, error.errors[0].message], [403, error.message]);
      await worker.stop();
      assertStringIncludes(worker.log, name);
      assert(!(text + worker.log).includes(VALUE), "the value of the setting is shown");
      assert(!/\n\s+at /.test(text + worker.log), "a stack is shown");
      assertEquals(upstream.requests.length, 0);
    },
    { settings },
  );
}

rule(
  "at a proxy that is not set up a start fails at once, and an upload that has begun waits until it is",
  async (place) => {
    const session = new URL(await startSession(place));
    const broken = await place.start({ GCS_BUCKET: undefined, TICKET_SECRET: undefined });
    const failure = await assertRejects(
      () => uploadThrough({ ...place, worker: broken }, pattern(10)),
      UploadError,
    );
    assertEquals([failure.status, failure.retryable], [403, false]);
    const url = broken.origin + session.pathname + session.search;
    const chunk = { method: "POST", headers: { "x-goog-upload-command": "upload, finalize" } };
    for (const init of [{ method: "PUT" }, { method: "PATCH" }, { method: "HEAD" }, chunk]) {
      const reply = await fetch(url, init);
      await reply.body?.cancel();
      assertEquals(reply.status, 500, JSON.stringify(init));
    }
  },
);

rule("nobody starts an upload without a ticket", async (place) => {
  const url = `${place.worker.origin}/upload/storage/v1/b/bucket/o?uploadType=resumable&name=a`;
  for (const authorization of ["", "Bearer a.b.c"]) {
    const reply = await fetch(url, { method: "POST", headers: { authorization } });
    assertEquals([reply.status, (await reply.json()).error.code], [401, 401]);
  }
  assertEquals(place.upstream.requests.length, 0);
});

rule("ALLOW_ANONYMOUS lets everybody start one", async ({ worker, upstream }) => {
  const url = `${worker.origin}/upload/storage/v1/b/bucket/o?uploadType=resumable&name=a`;
  const start = await fetch(url, { method: "POST" });
  await start.body?.cancel();
  const reply = await fetch(start.headers.get("location")!, { method: "PUT", body: "hello" });
  assertEquals([reply.status, (await reply.json()).name], [200, "a"]);
  assertEquals(upstream.gcs.get("bucket", "a")?.bytes?.length, 5);
}, { settings: { ALLOW_ANONYMOUS: "true", TICKET_SECRET: undefined } });

rule("everybody may upload, but no page of a foreign origin", async ({ worker, upstream }) => {
  const from = async (origin: string) => {
    const url = `${worker.origin}/upload/storage/v1/b/bucket/o?uploadType=media&name=${origin}`;
    const headers = { origin, "content-type": "text/plain" }; // a browser asks nobody before it sends this
    const reply = await fetch(url, { method: "POST", headers, body: "hello" });
    await reply.body?.cancel();
    return reply.status;
  };
  assertEquals(await from("https://evil.example"), 403);
  assertEquals(await from("null"), 403);
  assertEquals(upstream.requests.length, 0);
  assertEquals(await from("https://app.example"), 200);
  assertEquals(await from(worker.origin), 200);
}, {
  settings: {
    ALLOW_ANONYMOUS: "true",
    TICKET_SECRET: undefined,
    ALLOWED_ORIGINS: "https://app.example",
  },
});

rule(
  "an upload goes on after SESSION_SECRET was changed, until the old one is gone",
  async (place) => {
    const { settings, start, worker } = place;
    const session = await startSession(place);
    await worker.stop();
    const put = async (SESSION_SECRET: string) => {
      await using other = await start({ SESSION_SECRET });
      const url = session.replace(worker.origin, other.origin);
      const reply = await fetch(url, { method: "PUT", body: pattern(10) });
      await reply.body?.cancel();
      return reply.status;
    };
    const fresh = randomSecret();
    assertEquals(await put(fresh), 404);
    assertEquals(await put(`${fresh},${settings.SESSION_SECRET}`), 200);
    assertStored(place, pattern(10));
  },
);

rule("a page of an allowed origin may use the worker, another one may not", async (place) => {
  const session = await startSession(place);
  const preflight = async (origin: string) => {
    const { status, headers, body } = await fetch(session, {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": "PUT",
        "access-control-request-headers": "content-range",
      },
    });
    await body?.cancel();
    return { status, headers };
  };
  const { status, headers } = await preflight("https://app.example");
  assertEquals([status, headers.get("access-control-allow-origin")], [204, "https://app.example"]);
  assertStringIncludes(headers.get("access-control-allow-methods")!, "PUT");
  assertStringIncludes(headers.get("access-control-allow-headers")!, "content-range");
  const other = await preflight("https://other.example");
  assertEquals(other.headers.get("access-control-allow-origin"), null);

  const reply = await fetch(session, {
    method: "PUT",
    headers: { origin: "https://app.example", "content-range": "bytes */*" },
  });
  await reply.body?.cancel();
  assertEquals(reply.headers.get("access-control-allow-origin"), "https://app.example");
  assertStringIncludes(reply.headers.get("access-control-expose-headers")!, "range");
}, { settings: { ALLOWED_ORIGINS: "https://app.example" } });
