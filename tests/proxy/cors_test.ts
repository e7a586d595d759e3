// Which pages may send to the proxy and read its replies.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { SettingError } from "../../src/worker.ts";
import { ask, outcome, setup, start, UPLOAD } from "./support.ts";

const PAGE = "https://app.example";
const allowed = { allowedOrigins: [PAGE, "http://localhost:5173"] };
const list = (response: Response, name: string) => (response.headers.get(name) ?? "").split(", ");

Deno.test("a preflight of an allowed page says what it may send, without a ticket", async () => {
  const context = setup(allowed);
  const response = await ask(context, UPLOAD, {
    method: "OPTIONS",
    grant: null,
    headers: { origin: PAGE, "access-control-request-method": "PUT" },
  });
  assertEquals(response.status, 204);
  assertEquals(response.headers.get("access-control-allow-origin"), PAGE);
  assertEquals(list(response, "access-control-allow-methods"), [
    "POST",
    "PUT",
    "PATCH",
    "HEAD",
    "DELETE",
    "OPTIONS",
  ]);
  const headers = list(response, "access-control-allow-headers");
  for (const name of ["authorization", "content-range", "content-type", "x-goog-hash"]) {
    assert(headers.includes(name), name);
  }
  assertEquals(context.sent.length, 0);
});

Deno.test("a page may read what a client of the protocol needs, and Location among it", async () => {
  const context = setup(allowed);
  const response = await ask(context, "?uploadType=resumable&name=a", {
    headers: { origin: PAGE },
  });
  const headers = list(response, "access-control-expose-headers");
  for (const name of ["location", "range", "x-goog-hash", "x-http-status-code-override"]) {
    assert(headers.includes(name), name);
  }
});

const strangers: readonly [rule: string, origin: string][] = [
  ["of another host", "https://evil.example"],
  ["whose host begins like an allowed one", "https://app.example.evil.example"],
  ["whose host ends like an allowed one", "https://evil-app.example"],
  ["of a subdomain", "https://x.app.example"],
  ["of another port", "https://app.example:8443"],
  ["over plain http", "http://app.example"],
  ["in other letters, as no browser writes it", "https://APP.example"],
  ["without an origin, in a sandbox", "null"],
];
for (const [rule, origin] of strangers) {
  Deno.test(`a page ${rule} may neither send nor read: ${origin}`, async () => {
    const context = setup(allowed);
    const preflight = await ask(context, UPLOAD, { method: "OPTIONS", headers: { origin } });
    const reply = await ask(context, "?uploadType=resumable&name=a", { headers: { origin } });
    for (const { headers } of [preflight, reply]) {
      assertEquals(headers.get("access-control-allow-origin"), null);
      assertEquals(headers.get("access-control-expose-headers"), null);
      assertEquals(headers.get("vary"), "Origin");
    }
  });
}

Deno.test("no reply allows credentials or every origin", async () => {
  const context = setup(allowed);
  const url = await start(context);
  for (
    const reply of [
      ask(context, UPLOAD, { method: "OPTIONS", headers: { origin: PAGE } }),
      ask(context, url, { method: "PUT", body: "x", headers: { origin: PAGE } }),
      ask(context, "?uploadType=media&name=b", { grant: null, headers: { origin: PAGE } }),
    ]
  ) {
    const { headers } = await reply;
    assertEquals(headers.get("access-control-allow-origin"), PAGE);
    assertEquals(headers.get("access-control-allow-credentials"), null);
  }
});

Deno.test("an allowed page can read why it was refused, and that a session is over", async () => {
  const context = setup(allowed);
  const refused = await ask(context, "?uploadType=media&name=a", {
    grant: null,
    headers: { origin: PAGE },
  });
  assertEquals(refused.headers.get("access-control-allow-origin"), PAGE);
  assertEquals(await outcome(refused), "401 authError");
  const gone = await ask(context, `${UPLOAD}?upload_id=x`, {
    method: "PUT",
    headers: { origin: PAGE },
  });
  assertEquals(gone.headers.get("access-control-allow-origin"), PAGE);
  assertEquals(await outcome(gone), "404 notFound");
});

for (
  const origin of ["*", "null", "https://app.example/", "app.example", "https://*.example", ""]
) {
  Deno.test(`an origin that is none cannot be allowed: "${origin}"`, () => {
    assertThrows(() => setup({ allowedOrigins: [origin] }), SettingError, "ALLOWED_ORIGINS");
  });
}

Deno.test("the log names the origin of a page that is not allowed, and no other", async () => {
  const from = async (origin: string) => {
    const context = setup(allowed);
    await ask(context, UPLOAD, { method: "OPTIONS", grant: null, headers: { origin } });
    await ask(context, "?uploadType=resumable&name=a", { headers: { origin } });
    return context.log.map(({ refusedOrigin }) => refusedOrigin);
  };
  const forgotten = "https://forgotten.example";
  assertEquals(await from(forgotten), [forgotten, forgotten]);
  assertEquals(await from(PAGE), [undefined, undefined]);
  assertEquals(await from(new URL(UPLOAD).origin), [undefined, undefined]);
  assertEquals((await from(`https://${"a".repeat(10_000)}.example`))[0]!.length, 200);
});
