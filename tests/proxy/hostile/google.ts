// Replies of Google, or of somebody in its place, that do not behave.

import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Transport } from "../../../mod.ts";
import { ask } from "../support.ts";
import { type Hostile, started, type Target } from "./case.ts";

const SESSION =
  "https://storage.googleapis.com/upload/storage/v1/b/my-bucket/o?upload_id=Google-s-id";
const always = (make: () => Response): Transport => () => Promise.resolve(make());
const start = (target: Target) => ask(target, "?uploadType=resumable&name=a");
const chunk = async (target: Target) =>
  await ask(target, await started(target), { method: "PUT", body: "x" });
const at = (location: string) => () => new Response(null, { headers: { location } });

const noSession: readonly [what: string, make: () => Response][] = [
  ["no `Location`", () => new Response()],
  ["a `Location` on another host", at("https://evil.example/upload?upload_id=id-of-evil")],
  [
    "a `Location` of another host without a scheme",
    at("//evil.example/upload?upload_id=id-of-evil"),
  ],
  [
    "a `Location` with another port",
    at("https://storage.googleapis.com:444/?upload_id=id-of-evil"),
  ],
  ["a `Location` over plain http", at("http://storage.googleapis.com/?upload_id=id-of-evil")],
  [
    "a `Location` with Google's name as a user",
    at("https://storage.googleapis.com@evil.example/?upload_id=id-of-evil"),
  ],
  ["a `Location` that is no URL", at("https://[")],
  ...[202, 204, 302, 304, 307, 308].map((status): [string, () => Response] => [
    `${status}`,
    () => new Response(null, { status, headers: { location: SESSION } }),
  ]),
  ["401", () => new Response("bad token", { status: 401 })],
  ["403", () => new Response("uploader@project.example may not", { status: 403 })],
  ["a reply without end", () => new Response(endless())],
];

const passedOn: readonly [what: string, status: number, answer: string][] = [
  ["404", 404, "404 notFound"],
  ["429", 429, "429 notFound"],
  ["500", 500, "500 notFound"],
  ["503", 503, "503 notFound"],
];

function endless(): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(65_536)) });
}

/** The reply to a chunk that shows the session in every way. */
const echo: Transport = (url) => {
  const { pathname, search, searchParams } = new URL(url);
  const id = searchParams.get("upload_id") ?? "";
  const message = `No ${url}, ${pathname + search}, ${pathname}, ${id}`;
  const error = { code: 400, message, errors: [{ reason: "invalid" }] };
  return Promise.resolve(
    Response.json({ error, id, [id]: encodeURIComponent(url) }, {
      status: 400,
      headers: {
        etag: `"${id}"`,
        location: url,
        range: pathname + search,
        "set-cookie": `session=${id}`,
        "x-goog-hash": id,
        "x-goog-request-id": id,
        "x-guploader-uploadid": id,
      },
    }),
  );
};

/** Google, or somebody in its place, that does not behave. */
export const google: readonly Hostile[] = [
  ...noSession.map(([what, make]) => ({
    attack: `a start that is answered with ${what}`,
    answer: "502 badGateway",
    google: "start",
    options: { transport: always(make) },
    run: start,
  })),
  ...passedOn.map(([what, status, answer]) => ({
    attack: `a start that is answered with ${what}`,
    answer,
    google: "start",
    options: {
      transport: always(() => {
        const error = { code: status, message: "No bucket", errors: [{ reason: "notFound" }] };
        return Response.json({ error }, {
          status,
          headers: { "x-guploader-uploadid": "id-of-it" },
        });
      }),
    },
    run: start,
  })),
  {
    attack: "a start that is not answered",
    answer: "503 backendError",
    google: "start",
    options: { transport: () => Promise.reject(new TypeError(`connect ${SESSION}`)) },
    run: start,
  },
  {
    attack: "a chunk that is not answered",
    answer: "503 backendError",
    google: "start, chunk",
    options: { fetch: (url) => Promise.reject(new TypeError(`connect ${url}`)) },
    run: chunk,
  },
  ...[202, 302, 307].map((status) => ({
    attack: `a chunk that is answered with ${status} and a \`Location\``,
    answer: "502 badGateway",
    google: "start, chunk",
    options: {
      fetch: always(() => new Response(null, { status, headers: { location: SESSION } })),
    },
    run: chunk,
  })),
  {
    attack: "a reply that repeats session URL and id in body and headers",
    answer: "400 invalid",
    google: "start, chunk",
    options: { fetch: echo },
    run: chunk,
  },
  ...["/upload/secret-path-of-it/x?session=also-secret", "/upload?upload_id=a+secret/%2fid"].map((
    path,
  ) => ({
    attack: path.includes("+")
      ? "the same, with a session id that is not written as the proxy would"
      : "the same, with a session URL that has no `upload_id`",
    answer: "400 invalid",
    google: "start, chunk",
    options: { transport: always(at(`https://storage.googleapis.com${path}`)), fetch: echo },
    run: chunk,
  })),
  {
    attack: "a refused chunk whose reply names the proxy's account",
    answer: "403 forbidden",
    google: "start, chunk",
    options: {
      fetch: always(() => new Response("uploader@project.example may not", { status: 403 })),
    },
    run: async (target) => {
      const response = await chunk(target);
      const text = await response.clone().text();
      assertEquals(text.includes("uploader@project.example"), false, text);
      return response;
    },
  },
  {
    attack: "an object whose fields name a key, an owner, the ticket's own metadata, and a script",
    answer: "200",
    google: "start, chunk",
    options: {
      fetch: always(() =>
        Response.json({
          kind: "storage#object",
          name: "a",
          bucket: "my-bucket",
          size: "1",
          generation: "1<script>",
          kmsKeyName: "projects/secret-project/cryptoKeys/k",
          owner: { entity: "user-uploader@project.example" },
          metadata: { tenant: "acme" },
          cacheControl: "private, tenant=acme",
          etag: "<script>",
        })
      ),
    },
    run: async (target) => {
      const response = await chunk(target);
      const object = await response.clone().json();
      assertEquals(object, { kind: "storage#object", name: "a", bucket: "my-bucket", size: "1" });
      return response;
    },
  },
  {
    attack: "a success that shows no object",
    answer: "503 backendError",
    google: "start, chunk",
    options: { fetch: always(() => Response.json({ status: "ok" })) },
    run: chunk,
  },
  {
    attack: "a refused start whose words name the proxy's account",
    answer: "400 invalid",
    google: "start",
    options: {
      transport: always(() =>
        Response.json({
          error: {
            code: 400,
            message: "uploader@project.example has a quota",
            errors: [{ reason: "uploaderAtProject", message: "uploader@project.example" }],
          },
        }, { status: 400 })
      ),
    },
    run: async (target) => {
      const response = await start(target);
      const text = await response.clone().text();
      assertEquals(/uploader/i.test(text), false, text);
      return response;
    },
  },
  {
    attack: "a reply that is a page with a script",
    answer: "400 invalid",
    google: "start, chunk",
    options: {
      fetch: always(() =>
        new Response("<script>alert(1)</script>", {
          status: 400,
          headers: { "content-type": "text/html" },
        })
      ),
    },
    run: async (target) => {
      const response = await chunk(target);
      assertEquals(response.headers.get("x-content-type-options"), "nosniff");
      assertStringIncludes(response.headers.get("content-security-policy")!, "sandbox");
      return response;
    },
  },
];
