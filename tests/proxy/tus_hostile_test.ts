// Hostile requests in the words of tus: what holds after each is what holds after those of Google's protocol.

import { sessionSealer } from "../../src/proxy/session_token.ts";
import { attack, type Hostile, type Target } from "./hostile/case.ts";
import { ask, inPieces, ORIGIN, SESSION_SECRET, UPLOAD } from "./support.ts";
import {
  base64,
  create,
  created,
  type Creation,
  metadata,
  patch,
  Q,
  sample,
  tus,
} from "./tus_support.ts";

const BYTES = { "content-type": "application/offset+octet-stream" };
const first = (target: Target, creation: Creation = {}) => created(target, 2 * Q, creation);
const crumbs = (count: number) => inPieces(new Uint8Array(count), 1);

const cases: readonly Hostile[] = [
  {
    attack: "a session of nobody",
    answer: "404 notFound",
    run: (target) => patch(target, `${UPLOAD}?upload_id=e30..AAAA.AAAA.AAAA`, 0, sample(5)),
  },
  {
    attack: "an expired session",
    answer: "410 gone",
    run: async (target) => {
      const session = {
        target: "/upload/storage/v1/b/my-bucket/o?upload_id=x",
        bucket: "my-bucket",
        maxBytes: 10,
        size: undefined,
        expires: 1e9,
      };
      const token = await sessionSealer([SESSION_SECRET]).seal(session);
      return await patch(target, `${UPLOAD}?upload_id=${token}`, 0, sample(5));
    },
  },
  {
    attack: "a session's token twice",
    answer: "404 notFound",
    google: "start",
    run: async (target) => {
      const url = await first(target);
      const token = new URL(url).searchParams.get("upload_id");
      return await tus(target, "HEAD", `${url}&upload_id=${token}`);
    },
  },
  {
    attack: "a bucket that is closed by now",
    answer: "403 forbidden",
    options: { buckets: ["my-bucket"] },
    run: async (target) => {
      const session = {
        target: "/upload/storage/v1/b/other-bucket/o?upload_id=x",
        bucket: "other-bucket",
        maxBytes: 10,
        size: undefined,
        expires: 9e9,
      };
      const token = await sessionSealer([SESSION_SECRET]).seal(session);
      return await tus(target, "HEAD", `${UPLOAD}?upload_id=${token}`);
    },
  },
  {
    attack: "more bytes than a chunked body may have, of unknown length",
    answer: "413 uploadTooLarge",
    google: "start",
    run: async (target) => {
      const url = await created(target, undefined, { grant: { name: "a", maxBytes: 10 } });
      return await patch(target, url, 0, inPieces(sample(11), 4), {
        headers: { "upload-length": "10" },
      });
    },
  },
  {
    attack: "an endless body",
    answer: "413 uploadTooLarge",
    options: { maxChunkBytes: Q },
    google: "start",
    run: async (target) => {
      const endless = new ReadableStream<Uint8Array<ArrayBuffer>>({
        pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
      });
      return await patch(target, await created(target), 0, endless);
    },
  },
  {
    attack: "a body in crumbs",
    answer: "400 invalid",
    google: "start",
    run: async (target) => await patch(target, await created(target), 0, crumbs(60_000)),
  },
  {
    attack: "a body with a length, in crumbs, of which a part is passed on",
    answer: "400 invalid",
    google: "start, chunk",
    run: async (target) => {
      const headers = { "content-length": String(Q + 5) };
      return await patch(target, await first(target), 0, crumbs(60_000), { headers });
    },
  },
  {
    attack: "a body that ends before its length",
    answer: "503 backendError",
    google: "start, chunk",
    run: async (target) => {
      const headers = { "content-length": String(Q + 5) };
      return await patch(target, await first(target), 0, inPieces(sample(1000), 100), { headers });
    },
  },
  {
    attack: "a body that breaks off without a length",
    answer: "503 backendError",
    google: "start, chunk",
    run: async (target) => {
      let left = 5;
      const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
        pull(controller) {
          if (left-- > 0) controller.enqueue(sample(100_000));
          else controller.error(new TypeError("gone"));
        },
      }, { highWaterMark: 0 });
      return await patch(target, await first(target), 0, body);
    },
  },
  {
    attack: "a length and chunks at once",
    answer: "400 invalid",
    google: "start",
    run: async (target) => {
      const headers = { "transfer-encoding": "chunked" };
      return await patch(target, await first(target), 0, sample(5), { headers });
    },
  },
  ...["9".repeat(16), "1e3", "-1", "0, 0", "+0", "0x10"].map((offset) => ({
    attack: `an offset that is none: ${offset}`,
    answer: "400 invalid",
    google: "start",
    run: async (target: Target) =>
      await patch(target, await first(target), 0, sample(5), {
        headers: { "upload-offset": offset },
      }),
  })),
  {
    attack: "an offset beyond all bytes",
    answer: "409 conflict",
    google: "start, query",
    run: async (target) => await patch(target, await first(target), 2 * Q, sample(5)),
  },
  {
    attack: "an offset before what is stored, with other bytes",
    answer: "409 conflict",
    google: "start, chunk, query",
    run: async (target) => {
      const url = await first(target);
      await patch(target, url, 0, sample(Q));
      return await patch(target, url, 0, new Uint8Array(2 * Q));
    },
  },
  {
    attack: "other bytes on a finished upload",
    answer: "409 conflict",
    google: "start, chunk, query",
    stored: "a (5)",
    run: async (target) => {
      const url = await created(target, 5);
      await patch(target, url, 0, sample(5));
      return await patch(target, url, 0, new Uint8Array(5));
    },
  },
  {
    attack: "a media type of somebody else's header in the metadata",
    answer: "400 invalid",
    run: (target) =>
      create(target, {
        headers: { "upload-metadata": metadata({ filetype: "a/b\r\nx-evil: 1" }) },
      }),
  },
  {
    attack: "a filename that is a path out of the prefix, encoded",
    answer: "403 forbidden",
    run: (target) =>
      create(target, {
        grant: { prefix: "users/17/" },
        headers: { "upload-metadata": metadata({ filename: "%2e%2e/18/x" }) },
      }),
  },
  {
    attack: "metadata that would be a longer URL than servers take",
    answer: "400 invalid",
    run: (target) =>
      create(target, { headers: { "upload-metadata": `a ${base64("x".repeat(4000))}` } }),
  },
  {
    attack: "a parameter that is not known",
    answer: "400 invalidParameter",
    run: (target) => create(target, { query: "?predefinedAcl=publicRead" }),
  },
  {
    attack: "a precondition that allows to overwrite",
    answer: "403 forbidden",
    run: (target) => create(target, { query: "?ifGenerationMatch=7" }),
  },
  {
    attack: "an overriding method that is none of tus",
    answer: "405 methodNotAllowed",
    google: "start",
    run: async (target) => {
      const headers = { "x-http-method-override": "PUT" };
      return await tus(target, "POST", await first(target), { headers });
    },
  },
  ...["GET", "HEAD"].map((method) => ({
    attack: `bytes with ${method}, which PATCH overrides, and which no server hands over`,
    answer: "400 invalid",
    google: "start",
    run: async (target: Target) => {
      const headers = {
        ...BYTES,
        "x-http-method-override": "PATCH",
        "upload-offset": "0",
        "content-length": "5",
      };
      return await tus(target, method, await created(target, 5), { headers });
    },
  })),
  {
    attack: "an overriding method without the protocol: it has none",
    answer: "400 required",
    google: "start",
    run: async (target) =>
      await ask(target, await first(target), { headers: { "x-http-method-override": "DELETE" } }),
  },
  {
    attack: "deleting what is finished",
    answer: "403 forbidden",
    google: "start, chunk, query",
    stored: "a (5)",
    run: async (target) => {
      const url = await created(target, 5);
      await patch(target, url, 0, sample(5));
      return await tus(target, "DELETE", url);
    },
  },
  {
    attack: "a second upload of the same name, after the first has finished",
    answer: "403 conditionNotMet",
    google: "start, start, chunk, chunk",
    stored: "a (5)",
    run: async (target) => {
      const [one, other] = [await created(target, 5), await created(target, 5)];
      await patch(target, one, 0, sample(5));
      return await patch(target, other, 0, sample(5));
    },
  },
  {
    attack: "Google's session URL in Google's words of refusal",
    answer: "403 forbidden",
    google: "start, chunk",
    run: async (target) => {
      target.gcs.inject({ on: "final", status: 403 });
      return await patch(target, await created(target, 5), 0, sample(5));
    },
  },
  {
    attack: "bytes with the creation, without a ticket",
    answer: "401 authError",
    run: (target) =>
      create(target, { grant: null, headers: { ...BYTES, "upload-length": "5" }, body: sample(5) }),
  },
  {
    attack: "a creation outside of the paths of uploads",
    answer: "404 notFound",
    run: (target) => tus(target, "POST", `${ORIGIN}/files/`, { headers: { "upload-length": "5" } }),
  },
];

for (const hostile of cases) {
  Deno.test(`tus: ${hostile.attack}: ${hostile.answer}, no secret, ${hostile.stored ?? "nothing"} stored`, () =>
    attack(hostile));
}
