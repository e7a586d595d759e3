// A Worker with an old compatibility date: from which one on the proxy works, and what its operator reads before that.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { pattern } from "../e2e/support.ts";
import { multipart } from "../proxy/support.ts";
import { OLDEST_DATE } from "../support/worker_process.ts";
import { assertStored } from "./support/assert.ts";
import { endAfterAll, rule, uploadThrough } from "./support/rules.ts";
import { serviceAccount } from "./support/service_account.ts";

endAfterAll();

const account = await serviceAccount();
const bytes = pattern(3_000_001);
const UPLOAD = "/upload/storage/v1/b/bucket/o";

/** The oldest, and the last ones before something has changed that the proxy uses. */
for (const date of [OLDEST_DATE, "2024-10-13", "2024-12-15"]) {
  rule("uploads go through, by every front", async (place) => {
    const { worker, upstream, ticket } = place;
    await uploadThrough(place, bytes);
    assertStored(place, bytes);
    const send = async (query: string, headers: Record<string, string>, body: BodyInit) => {
      const reply = await fetch(`${worker.origin}${UPLOAD}${query}`, {
        method: "POST",
        headers: { authorization: `Bearer ${ticket}`, ...headers },
        body,
        ...(body instanceof ReadableStream && { duplex: "half" }),
      } as RequestInit);
      const text = await reply.text();
      assert(reply.ok, `${query} ${reply.status} ${text}`);
    };
    const { headers, body } = multipart({ name: "multipart" }, "hello");
    await send("?uploadType=multipart", headers, body);
    await send("?uploadType=media&name=chunked", {}, new Blob([bytes]).stream());
    await send("", {
      "tus-resumable": "1.0.0",
      "upload-length": "5",
      "upload-metadata": `filename ${btoa("tus")}`,
      "content-type": "application/offset+octet-stream",
    }, "hello");
    await send("", {
      "upload-draft-interop-version": "8",
      "upload-complete": "?1",
      "content-disposition": "attachment; filename=ietf",
    }, "hello");
    await send("?name=raw", { "x-goog-upload-protocol": "raw" }, "hello");
    const sizes = Object.fromEntries(upstream.gcs.objects.map(({ name, size }) => [name, size]));
    assertEquals(sizes, {
      chunked: bytes.length,
      ietf: 5,
      multipart: 5,
      object: bytes.length,
      raw: 5,
      tus: 5,
    });
  }, {
    only: ["workerd"],
    date,
    settings: { GOOGLE_AUTH: undefined, GOOGLE_SERVICE_ACCOUNT: account.json },
    emulator: { authorize: account.authorize },
  });
}

for (const date of ["2022-11-29", "2022-10-30", "2021-11-03"]) {
  rule(
    "the log says which date is expected, and the client hears that the proxy is not set up",
    async ({ worker }) => {
      const reply = await fetch(`${worker.origin}/healthz`);
      assertEquals(reply.status, 500);
      assertStringIncludes(await reply.text(), "not set up");
      await worker.stop();
      const expected = `compatibility_date: expected ${OLDEST_DATE} or later, got an earlier one`;
      assertStringIncludes(worker.log, expected);
      assertStringIncludes(worker.log, '"event":"misconfigured"');
    },
    { only: ["workerd"], date },
  );
}

Deno.test("docs/guides/workers.md says from which compatibility date on the proxy works", async () => {
  const page = new URL("../../docs/guides/workers.md", import.meta.url);
  assertStringIncludes(await Deno.readTextFile(page), OLDEST_DATE);
});
