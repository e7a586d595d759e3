// Where clients reach the proxy: URLs of sessions, the path prefix, origins of pages and apps, the numbers, and what the
// log says.

import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { SettingError, type UploadLogEntry, type UploadProxy } from "../../src/worker.ts";
import { checkOrigins, isAllowedOrigin } from "../../src/proxy/page_origins.ts";
import { ask, bearer, inPieces, ORIGIN, outcome, setup, start } from "./support.ts";

const PATH = "/upload/storage/v1/b/my-bucket/o";

const places: readonly [rule: string, options: Record<string, string>, at: string, base: string][] =
  [
    ["a prefix of the proxy's own", { pathPrefix: "/files" }, "/files", `${ORIGIN}/files`],
    [
      "a prefix that a server in front takes away",
      {
        publicOrigin: "https://www.example/files",
      },
      "",
      "https://www.example/files",
    ],
    [
      "a prefix that a server in front changes",
      {
        pathPrefix: "/inner",
        publicOrigin: "https://www.example/a/b/",
      },
      "/inner",
      "https://www.example/a/b",
    ],
    [
      "a prefix behind another origin",
      {
        pathPrefix: "/files",
        publicOrigin: "https://www.example",
      },
      "/files",
      "https://www.example/files",
    ],
  ];
for (const [rule, options, at, base] of places) {
  Deno.test(`a session is where clients reach it: ${rule}`, async () => {
    const context = setup(options);
    const headers = { authorization: await bearer() };
    const url = `${ORIGIN}${at}${PATH}?uploadType=resumable&name=a`;
    const reply = await context.proxy.fetch(new Request(url, { method: "POST", headers }));
    const location = reply.headers.get("location")!;
    assert(location.startsWith(`${base}${PATH}?`), location);
    const inside = location.replace(base, ORIGIN + at);
    const put = await ask(context, inside, { method: "PUT", body: "x" });
    assertEquals([await outcome(put), context.gcs.objects.length], ["200", 1]);
  });
}

for (const path of ["", "/filesx", "/other", "/files/files"]) {
  Deno.test(`with a prefix there is nothing below ${path || "the root"}`, async () => {
    const context = setup({ pathPrefix: "/files" });
    const url = `${ORIGIN}${path}${PATH}?uploadType=media&name=a`;
    assertEquals(await outcome(await ask(context, url, { body: "x" })), "404 notFound");
  });
}

const allowed = [
  "https://app.example",
  "capacitor://localhost",
  "tauri://localhost",
  "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
  "https://*.preview.example",
  "http://localhost:5173",
];

for (
  const [origin, expected] of [
    ["https://app.example", true],
    ["capacitor://localhost", true],
    ["tauri://localhost", true],
    ["chrome-extension://abcdefghijklmnopabcdefghijklmnop", true],
    ["https://pr-17.preview.example", true],
    ["https://preview.example", false],
    ["https://.preview.example", false],
    ["https://a.b.preview.example", false],
    ["https://evil.example/x.preview.example", false],
    ["https://user@x.preview.example", false],
    ["https://x.preview.example.evil.example", false],
    ["https://x.preview.example:8443", false],
    ["http://x.preview.example", false],
    ["https://APP.example", false],
    ["null", false],
    ["", false],
  ] as const
) {
  Deno.test(`the origin ${origin || "(empty)"} is ${expected ? "" : "not "}allowed`, () => {
    assertEquals(isAllowedOrigin(checkOrigins(allowed), origin), expected);
  });
}

for (
  const origin of [
    "*",
    "null",
    "https://*",
    "https://*.example",
    "https://a.*.example",
    "https://*.a.*.example",
    "http://*.preview.example",
    "https://app.example/",
    "capacitor://localhost/",
    "file://host",
    "capacitor:",
    "https://App.example",
    "https://app.example:443",
  ]
) {
  Deno.test(`${origin} cannot be set up as an origin`, () => {
    assertThrows(() => checkOrigins([origin]), SettingError, "ALLOWED_ORIGINS");
  });
}

Deno.test("a page of an app may read replies", async () => {
  const context = setup({ allowedOrigins: allowed });
  const reply = await ask(context, "?uploadType=resumable&name=a", {
    headers: { origin: "tauri://localhost" },
  });
  assertEquals(reply.headers.get("access-control-allow-origin"), "tauri://localhost");
});

Deno.test("numbers are served where they are set up, and nowhere by default", async () => {
  const context = setup({ metricsPath: "/numbers" });
  await outcome(await ask(context, await start(context), { method: "PUT", body: "hello" }));
  await outcome(await ask(context, "?uploadType=media&name=b", { body: "x", grant: null }));
  const reply = await context.proxy.fetch(new Request(`${ORIGIN}/numbers`));
  const text = await reply.text();
  for (
    const line of [
      'upload_proxy_requests_total{event="start",status="200"} 1',
      'upload_proxy_requests_total{event="finish",status="200"} 1',
      'upload_proxy_requests_total{event="media",status="401"} 1',
      "upload_proxy_request_bytes_total 5",
      "upload_proxy_objects_total 1",
      "upload_proxy_object_bytes_total 5",
    ]
  ) assert(text.split("\n").includes(line), text);
  assertMatch(reply.headers.get("content-type")!, /^text\/plain/);
  assertEquals((context.proxy as UploadProxy).metrics().startsWith("# HELP"), true);
  const closed = await setup().proxy.fetch(new Request(`${ORIGIN}/metrics`));
  assertEquals(closed.status, 404);
});

/** The last line of the log. */
const last = (log: UploadLogEntry[]) => log.at(-1)!;

Deno.test("the line of the request that makes the object says who, where, which version, how large, and what it adds up to", async () => {
  const context = setup({ logNames: true });
  const url = await start(context);
  await outcome(await ask(context, url, { method: "PUT", body: "123456789" }));
  const { event, subject, bucket, name, size, crc32c, generation, session } = last(context.log);
  assertEquals([event, subject, bucket, name, size, crc32c], [
    "finish",
    "user-17",
    "my-bucket",
    "a",
    9,
    "4waSgw==",
  ]);
  assertEquals([typeof generation, session], ["string", context.log[0].session]);
  const quiet = setup();
  await outcome(await ask(quiet, await start(quiet), { method: "PUT", body: "x" }));
  assertEquals(last(quiet.log).name, undefined, "names are for those who want them");
});

Deno.test("a line says how many bytes have passed, also without a length, and none of what is stored already", async () => {
  const context = setup();
  const url = await start(context);
  const chunk = () => ({
    method: "PUT",
    headers: { "content-range": "bytes 0-262143/*" },
    body: inPieces(new Uint8Array(262_144), 100_000),
  });
  await outcome(await ask(context, url, chunk()));
  assertEquals(last(context.log).bytes, 262_144);
  await outcome(await ask(context, url, chunk()));
  assertEquals(last(context.log).bytes, 0);
  const media = { body: inPieces(new Uint8Array(7), 3) };
  await outcome(await ask(context, "?uploadType=media&name=b", media));
  assertEquals([last(context.log).event, last(context.log).bytes], ["media", 7]);
});
