// Where a start is redirected, credentials stay with the origin that they were for, and the body goes along.

import { assertEquals } from "@std/assert";
import { MultipartUpload, SimpleUpload, upload } from "../../mod.ts";
import { GcsEmulator } from "../../src/emulator/mod.ts";

const SECRET = ["authorization", "cookie", "proxy-authorization"];
const HEADERS = {
  authorization: "Bearer T",
  cookie: "a=1",
  "proxy-authorization": "Basic dTpw",
  "x-custom": "1",
};

/** A request as a server got it. */
interface Got {
  readonly method: string;
  readonly path: string;
  /** Which of the caller's headers came along. */
  readonly names: string[];
}

/** A Google on a port of its own. Where `moved` knows another place, a request is redirected. */
function serve(gcs: GcsEmulator, moved: (url: URL) => string | undefined = () => undefined) {
  const got: Got[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const url = new URL(request.url);
    const names = Object.keys(HEADERS).filter((name) => request.headers.has(name));
    got.push({ method: request.method, path: url.pathname, names });
    const location = moved(url);
    if (location === undefined) return await gcs.fetch(request);
    await request.body?.cancel();
    return new Response(null, { status: 307, headers: { location } });
  });
  return {
    got,
    origin: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

const uploads: [what: string, run: (origin: string) => Promise<unknown>][] = [
  ["upload()", (endpoint) =>
    upload("hello", {
      bucket: "my-bucket",
      name: "a",
      endpoint,
      headers: HEADERS,
      metadata: { cacheControl: "no-store" },
    })],
  ["upload() in one request", (endpoint) =>
    upload("hello", {
      bucket: "my-bucket",
      name: "a",
      endpoint,
      headers: HEADERS,
      metadata: { cacheControl: "no-store" },
      ifGenerationMatch: 0,
    })],
  [
    "SimpleUpload",
    (origin) =>
      new SimpleUpload(`${origin}/upload/storage/v1/b/my-bucket/o?uploadType=media&name=a`, {
        headers: HEADERS,
      }).transmit(fetch, "hello", "text/plain"),
  ],
  [
    "MultipartUpload",
    (origin) =>
      new MultipartUpload(`${origin}/upload/storage/v1/b/my-bucket/o?uploadType=multipart`, {
        headers: HEADERS,
      }).transmit(fetch, "hello", { name: "a" }, "text/plain"),
  ],
];

for (const [what, run] of uploads) {
  Deno.test(`${what}: after a redirect to another origin no credentials follow, and the body does`, async () => {
    const gcs = new GcsEmulator();
    await using there = serve(gcs);
    await using here = serve(gcs, ({ pathname, search }) => there.origin + pathname + search);
    await run(here.origin);
    assertEquals(here.got.map(({ names }) => names), [Object.keys(HEADERS)]);
    for (const { names } of there.got) assertEquals(names, ["x-custom"]);
    assertEquals(new TextDecoder().decode(gcs.get("my-bucket", "a")?.bytes), "hello");
    if (what.startsWith("upload()")) {
      assertEquals(gcs.objects[0].resource.cacheControl, "no-store");
    }
  });

  Deno.test(`${what}: after a redirect within the origin the start has all its headers`, async () => {
    const gcs = new GcsEmulator();
    await using here = serve(
      gcs,
      ({ pathname, search }) =>
        search.includes("upload_id") || pathname.startsWith("/resumable/")
          ? undefined
          : `/resumable${pathname}${search}`,
    );
    await run(here.origin);
    const [first, second, ...rest] = here.got;
    assertEquals([first.names, second.names], [Object.keys(HEADERS), Object.keys(HEADERS)]);
    assertEquals(second.path, `/resumable${first.path}`);
    for (const { names } of rest) {
      assertEquals(names.filter((name) => SECRET.includes(name)), []);
    }
    assertEquals(gcs.objects.length, 1);
  });
}
