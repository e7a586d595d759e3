// Hostile requests with headers.

import { assertEquals } from "@std/assert";
import { ask, ORIGIN } from "../support.ts";
import { type Hostile, started, type Target } from "./case.ts";

/** Headers that go no further; the rest of the request is done. */
const dropped: readonly [attack: string, headers: Record<string, string>][] = [
  ["`x-goog-meta-owner: root`", { "x-goog-meta-owner": "root" }],
  ["`x-goog-acl: public-read`", { "x-goog-acl": "public-read" }],
  ["`x-goog-user-project: other`", { "x-goog-user-project": "other" }],
  ["`x-goog-if-generation-match: 7`", { "x-goog-if-generation-match": "7" }],
  ["`x-goog-copy-source: /secret/a`", { "x-goog-copy-source": "/secret/a" }],
  ["`x-http-method-override: DELETE`", { "x-http-method-override": "DELETE" }],
  ["`x-forwarded-host`, `forwarded`", {
    "x-forwarded-host": "evil.example",
    "x-forwarded-proto": "http",
    "x-forwarded-for": "127.0.0.1",
    forwarded: "host=evil.example",
  }],
  ["`cookie`, `proxy-authorization`", { cookie: "a=b", "proxy-authorization": "Basic eDp5" }],
  ["`origin` of a page that is not allowed", { origin: "https://evil.example" }],
  ["`range`, `if-match`, `te`", { range: "bytes=0-1", "if-match": "*", te: "trailers" }],
];

const wrong: readonly [attack: string, headers: Record<string, string>][] = [
  ["`x-upload-content-length: -1`", { "x-upload-content-length": "-1" }],
  ["`x-upload-content-length: 1e3`", { "x-upload-content-length": "1e3" }],
  ["`x-upload-content-type` with two types", { "x-upload-content-type": "image/png, text/html" }],
];

async function chunk(target: Target, headers: Record<string, string>): Promise<Response> {
  return await ask(target, await started(target), { method: "PUT", body: "x", headers });
}

const packed = (target: Target, encoding: string, body: BodyInit): Promise<Response> =>
  ask(target, "?uploadType=resumable&name=a", { body, headers: { "content-encoding": encoding } });

/** Request headers. */
export const headers: readonly Hostile[] = [
  ...dropped.map(([attack, headers]) => ({
    attack: `${attack}, with a start`,
    answer: "200",
    google: "start",
    run: async (target: Target) => {
      const response = await ask(target, "?uploadType=resumable&name=a", { headers });
      assertEquals(new URL(response.headers.get("location")!).origin, ORIGIN);
      return response;
    },
  })),
  ...dropped.map(([attack, headers]) => ({
    attack: `${attack}, with the last chunk`,
    answer: "200",
    google: "start, chunk",
    stored: "a (1)",
    run: async (target: Target) => {
      const response = await chunk(target, headers);
      assertEquals((await response.clone().json()).metadata, undefined);
      return response;
    },
  })),
  {
    attack: "`authorization` with a chunk",
    answer: "200",
    google: "start, chunk",
    stored: "a (1)",
    run: (target) => chunk(target, { authorization: "Bearer a-token-of-somebody-else" }),
  },
  ...["algorithm", "key", "key-sha256"].map((name) => ({
    attack: `\`x-goog-encryption-${name}\``,
    answer: "400 invalidParameter",
    google: "start",
    run: (target: Target) => chunk(target, { [`x-goog-encryption-${name}`]: "AES256" }),
  })),
  ...["gzip", "br", "GZIP", "identity, gzip"].map((encoding) => ({
    attack: `\`content-encoding: ${encoding}\` with a chunk`,
    answer: "415 unsupportedMediaType",
    google: "start",
    run: (target: Target) => chunk(target, { "content-encoding": encoding }),
  })),
  {
    attack: "`content-encoding: gzip` with media",
    answer: "415 unsupportedMediaType",
    run: (target) =>
      ask(target, "?uploadType=media&name=a", {
        body: "x",
        headers: { "content-encoding": "gzip" },
      }),
  },
  {
    attack: "`content-encoding: br` with metadata",
    answer: "415 unsupportedMediaType",
    run: (target) => packed(target, "br", "{}"),
  },
  {
    attack: "`content-encoding: gzip` with metadata that is not packed",
    answer: "400 invalid",
    run: (target) => packed(target, "gzip", "{}"),
  },
  {
    attack: "64 MiB of metadata, packed to 64 KiB",
    answer: "413 uploadTooLarge",
    run: async (target) => {
      const plain = new Blob([new Uint8Array(64 * 1024 * 1024)]).stream();
      const body = plain.pipeThrough(new CompressionStream("gzip"));
      return await packed(target, "gzip", await new Response(body).bytes());
    },
  },
  ...wrong.map(([attack, headers]) => ({
    attack,
    answer: "400 invalid",
    run: (target: Target) => ask(target, "?uploadType=resumable&name=a", { headers }),
  })),
  ...["crc32c", "sha256=AAAA", "crc32c=AAAA\tx: y"].map((hash) => ({
    attack: `\`x-goog-hash: ${hash.replace("\t", "⇥")}\``,
    answer: "400 invalid",
    google: "start",
    run: (target: Target) => chunk(target, { "x-goog-hash": hash }),
  })),
];
