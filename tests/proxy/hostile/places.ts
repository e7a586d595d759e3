// Hostile requests with paths, hosts and methods.

import { assertEquals } from "@std/assert";
import { ask, bearer, ORIGIN } from "../support.ts";
import type { Hostile, Target } from "./case.ts";

const at = (path: string, method = "POST") => (target: Target): Promise<Response> =>
  ask(target, `${ORIGIN}${path}?uploadType=media&name=a`, {
    method,
    ...(method === "POST" && { body: "x" }),
  });

const UPLOAD = "/upload/storage/v1/b";
const nowhere: readonly [attack: string, path: string][] = [
  ["an encoded slash in the bucket", `${UPLOAD}/my-bucket%2Fo/o`],
  ["an encoded letter in the bucket", `${UPLOAD}/my%2Dbucket/o`],
  ["an encoded NUL in the bucket", `${UPLOAD}/my-bucket%00/o`],
  ["a bucket in capitals", `${UPLOAD}/MY-BUCKET/o`],
  ["a bucket with `@`", `${UPLOAD}/my-bucket@evil.example/o`],
  ["a bucket of one character", `${UPLOAD}/a/o`],
  ["two slashes at the beginning", `/${UPLOAD}/my-bucket/o`],
  ["two slashes in the middle", `${UPLOAD}//my-bucket/o`],
  ["more path after the bucket", `${UPLOAD}/my-bucket/o/a`],
  ["`;` after the path", `${UPLOAD}/my-bucket/o;a`],
  ["the JSON API's objects", "/storage/v1/b/my-bucket/o"],
  ["the XML API", "/my-bucket/a"],
  ["the batch API", "/batch/storage/v1"],
];

const elsewhere: readonly [attack: string, path: string][] = [
  ["`..` to another bucket", `${UPLOAD}/my-bucket/../other-bucket/o`],
  ["`%2e%2e` to another bucket", `${UPLOAD}/my-bucket/%2e%2e/other-bucket/o`],
  ["`..` out of the bucket", `${UPLOAD}/x/o/../../other-bucket/o`],
  ["a bucket of dots (`...`)", `${UPLOAD}/.../o`],
];

/** Paths, hosts and methods. */
export const places: readonly Hostile[] = [
  ...nowhere.map(([attack, path]) => ({ attack, answer: "404 notFound", run: at(path) })),
  ...elsewhere.map(([attack, path]) => ({ attack, answer: "403 forbidden", run: at(path) })),
  ...["GET", "HEAD", "PUT", "PATCH", "DELETE"].map((method) => ({
    attack: `\`${method}\` without an \`upload_id\``,
    answer: method === "HEAD" ? "405" : "405 methodNotAllowed",
    run: async (target: Target) => {
      const response = await at(`${UPLOAD}/my-bucket/o`, method)(target);
      return method === "HEAD" ? new Response(null, response) : response;
    },
  })),
  {
    attack: "an absolute URL of Google's in the request line",
    answer: "200",
    google: "start",
    options: { publicOrigin: ORIGIN },
    run: (target) => startAt(target, "http://storage.googleapis.com", "proxy.example"),
  },
  {
    attack: "`Host: evil.example`",
    answer: "200",
    google: "start",
    options: { publicOrigin: ORIGIN },
    run: (target) => startAt(target, "", "evil.example"),
  },
  ...[`evil.example${UPLOAD}/my-bucket/o?x=`, "user@evil.example", "a/../b", "a b"].map((host) => ({
    attack: `\`Host: ${host}\``,
    answer: "400 invalid",
    options: { publicOrigin: ORIGIN },
    run: (target: Target) => startAt(target, "", host),
  })),
  {
    attack: "`Host: [bad`",
    answer: "400 invalid",
    run: (target) => startAt(target, "", "[bad"),
  },
];

/** Starts an upload over a socket. The session is on the proxy's own origin, or there is none. */
async function startAt(target: Target, origin: string, host: string): Promise<Response> {
  const response = await target.overSocket(
    `POST ${origin}${UPLOAD}/my-bucket/o?uploadType=resumable&name=a HTTP/1.1\r\n` +
      `Host: ${host}\r\nAuthorization: ${await bearer()}\r\n` +
      "Content-Length: 0\r\nConnection: close\r\n\r\n",
  );
  const location = response.headers.get("location");
  if (location !== null) assertEquals(new URL(location).origin, ORIGIN);
  return response;
}
