// Hostile requests in the words of the IETF's resumable uploads.

import { sessionSealer } from "../../../src/proxy/session_token.ts";
import { append, create, created, Q, sample, send } from "../resumable_http_support.ts";
import { ask, inPieces, ORIGIN, SESSION_SECRET, UPLOAD } from "../support.ts";
import { type Hostile, started, type Target } from "./case.ts";

const TYPE = { "content-type": "application/partial-upload" };

/** A body that does not end. */
const endless = () =>
  new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
  }, { highWaterMark: 0 });

/** The head of an append for a socket, without what says how long its body is. */
const head = async (target: Target): Promise<string> => {
  const { pathname, search } = new URL(await created(target));
  return `PATCH ${pathname}${search} HTTP/1.1\r\nHost: proxy.example\r\nConnection: close\r\n` +
    "Content-Type: application/partial-upload\r\nUpload-Offset: 0\r\nUpload-Complete: ?1\r\n";
};

/** A finished upload of five bytes. */
async function finished(target: Target): Promise<string> {
  const url = await created(target);
  await append(target, url, 0, true, sample(5));
  return url;
}

/** What is tried in the words of the IETF's resumable uploads. */
export const resumableHttp: readonly Hostile[] = [
  {
    attack: "all bytes without a ticket",
    answer: "401 authError",
    run: (target) => create(target, true, { grant: null, body: sample(5) }),
  },
  {
    attack: "a session of nobody",
    answer: "404 notFound",
    run: (target) => append(target, `${UPLOAD}?upload_id=e30..AAAA.AAAA.AAAA`, 0, true, sample(5)),
  },
  {
    attack: "a session that has expired",
    answer: "410 gone",
    run: async (target) => {
      const token = await sessionSealer([SESSION_SECRET]).seal({
        target: "/upload/storage/v1/b/my-bucket/o?upload_id=x",
        bucket: "my-bucket",
        maxBytes: 10,
        size: undefined,
        expires: 1e9,
        isResumableHttp: true,
      });
      return await append(target, `${UPLOAD}?upload_id=${token}`, 0, true, sample(5));
    },
  },
  {
    attack: "a creation outside of the paths of uploads",
    answer: "404 notFound",
    run: (target) => send(target, "POST", `${ORIGIN}/files/`, true, { body: sample(5) }),
  },
  {
    attack: "the fields of tus and of this protocol at once: tus it is",
    answer: "400 invalid",
    google: "start",
    run: async (target) =>
      await append(target, await created(target), 0, true, sample(5), {
        headers: {
          "tus-resumable": "1.0.0",
          "content-type": "application/offset+octet-stream",
          "upload-length": "99999999999999999",
        },
      }),
  },
  ...["9".repeat(16), "1e3", "-1", "0, 0", "+0", "0x10", '"0"', "0.0"].map((offset): Hostile => ({
    attack: `\`Upload-Offset: ${offset}\``,
    answer: "400 invalid",
    google: "start",
    run: async (target) =>
      await append(target, await created(target), 0, true, sample(5), {
        headers: { "upload-offset": offset },
      }),
  })),
  ...["1", "true", "?2", "?1, ?0", "?1?1"].map((complete): Hostile => ({
    attack: `\`Upload-Complete: ${complete}\``,
    answer: "400 invalid",
    google: "start",
    run: async (target) =>
      await append(target, await created(target), 0, true, sample(5), {
        headers: { "upload-complete": complete },
      }),
  })),
  {
    attack: "an offset beyond all bytes",
    answer: "409",
    google: "start, query",
    run: async (target) => {
      const url = await created(target, { grant: { name: "a", maxBytes: 10 } });
      return await append(target, url, 11, true, sample(5));
    },
  },
  {
    attack: "an offset before what is stored, with other bytes",
    answer: "409",
    google: "start, chunk, query",
    run: async (target) => {
      const url = await created(target);
      await append(target, url, 0, false, sample(Q));
      return await append(target, url, 0, true, new Uint8Array(2 * Q));
    },
  },
  {
    attack: "other bytes for a finished upload",
    answer: "409",
    google: "start, chunk, query",
    stored: "a (5)",
    run: async (target) => append(target, await finished(target), 0, true, new Uint8Array(5)),
  },
  {
    attack: "more bytes for a finished upload",
    answer: "400",
    google: "start, chunk, query",
    stored: "a (5)",
    run: async (target) => append(target, await finished(target), 5, true, new Uint8Array(5)),
  },
  {
    attack: "`DELETE` of a finished upload",
    answer: "403 forbidden",
    google: "start, chunk, query",
    stored: "a (5)",
    run: async (target) => send(target, "DELETE", await finished(target), undefined),
  },
  {
    attack: "another length than at the creation",
    answer: "400",
    google: "start",
    run: async (target) => {
      const url = await created(target, { headers: { "upload-length": "5" } });
      return await append(target, url, 0, true, sample(6), { headers: { "upload-length": "6" } });
    },
  },
  {
    attack: "more bytes than the length, without a `Content-Length`",
    answer: "400",
    google: "start, query, cancel",
    run: async (target) => {
      const url = await created(target, { headers: { "upload-length": "5" } });
      return await append(target, url, 0, true, inPieces(sample(11), 4));
    },
  },
  {
    attack: "an endless body",
    answer: "413 uploadTooLarge",
    google: "start",
    options: { maxChunkBytes: Q },
    run: async (target) => append(target, await created(target), 0, true, endless()),
  },
  {
    attack: "an endless creation",
    answer: "413 uploadTooLarge",
    google: "start",
    options: { maxChunkBytes: Q },
    run: (target) => create(target, true, { body: endless() }),
  },
  {
    attack: "a client that goes away in a body with a length",
    answer: "503 backendError",
    google: "start, chunk",
    run: async (target) => target.goAway(`${await head(target)}Content-Length: 10\r\n\r\n12345`),
  },
  {
    attack: "a file name that leads out of the prefix",
    answer: "403 forbidden",
    run: (target) =>
      create(target, true, {
        grant: { prefix: "users/17/" },
        headers: { "content-disposition": 'inline; filename="../18/x"' },
        body: sample(5),
      }),
  },
  {
    attack: "a file name that begins seven hundred times",
    answer: "400 required",
    run: (target) =>
      create(target, true, {
        grant: { prefix: "users/17/" },
        headers: { "content-disposition": `inline${';filename="'.repeat(700)}` },
        body: sample(5),
      }),
  },
  {
    attack: "a media type that the ticket does not allow",
    answer: "403 forbidden",
    run: (target) =>
      create(target, true, {
        grant: { name: "a", contentTypes: ["image/png"] },
        headers: { "content-type": "text/html" },
        body: sample(5),
      }),
  },
  {
    attack: "a body that was packed",
    answer: "415 unsupportedMediaType",
    google: "start",
    run: async (target) =>
      await append(target, await created(target), 0, true, sample(5), {
        headers: { "content-encoding": "gzip" },
      }),
  },
  {
    attack: "a precondition that allows to overwrite",
    answer: "403 forbidden",
    run: (target) => create(target, true, { query: "?ifGenerationMatch=7", body: sample(5) }),
  },
  {
    attack: "a second upload of the same name, after the first has finished",
    answer: "412 conditionNotMet",
    google: "start, start, chunk, chunk",
    stored: "a (5)",
    run: async (target) => {
      const other = await created(target);
      await finished(target);
      return await append(target, other, 0, true, sample(6));
    },
  },
  {
    attack: "`HEAD` of a session that a client of Google's has started",
    answer: "204",
    google: "start, query",
    run: async (target) => ask(target, await started(target), { method: "HEAD" }),
  },
  {
    attack: "a bare `DELETE` of a session that a client of Google's has started",
    answer: "499",
    google: "start, cancel",
    run: async (target) => ask(target, await started(target), { method: "DELETE" }),
  },
  {
    attack: "an overriding method that is none of the protocol",
    answer: "405 methodNotAllowed",
    google: "start",
    run: async (target) =>
      await send(target, "POST", await created(target), true, {
        headers: { ...TYPE, "x-http-method-override": "PUT" },
        body: sample(5),
      }),
  },
  {
    attack: "Google's session URL in Google's words of refusal",
    answer: "403 forbidden",
    google: "start, chunk",
    run: async (target) => {
      target.gcs.inject({ on: "final", status: 403 });
      return await append(target, await created(target), 0, true, sample(5));
    },
  },
];
