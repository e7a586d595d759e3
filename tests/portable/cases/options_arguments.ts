// Arguments that cannot be right are found out at the call, before anything is sent.

import {
  MultipartUpload,
  ResumableUpload,
  SimpleUpload,
  type Transport,
  upload,
  type UploadOptions,
  uploadStream,
} from "../../../mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import type { PortableCase } from "../case.ts";
import { assertRefused, WAYS } from "./retry_support.ts";
import {
  assertStored,
  BUCKET,
  CHUNK,
  opened,
  pattern,
  put,
  startUrl,
  storedCheckpoint,
} from "./upload_support.ts";

/** Options as a program without types may give them. */
// deno-lint-ignore no-explicit-any
type Anything = any;

const TARGET = { bucket: BUCKET, name: "object" };

/** Headers that belong to the transport, or to the protocol. */
const HEADERS = [
  "content-length",
  "Content-Range",
  "transfer-encoding",
  "Host",
  "connection",
  "keep-alive",
  "upgrade",
  "expect",
];

const headers: PortableCase[] = WAYS.flatMap(({ what, run }) =>
  HEADERS.map((name) => ({
    name: `${what}: ${name} among the headers is refused at the call`,
    async run() {
      const value = name === "Host" ? "storage.googleapis.com" : "1";
      await assertRefused(
        (transport) => run(transport, { headers: { [name]: value } }),
        TypeError,
        name.toLowerCase(),
      );
    },
  }))
);

const withUser = (url: string) => url.replace("https://", "https://user:pa55word@");

/** Calls that are given a URL with a name and a password. */
const CREDENTIALS: [what: string, call: (transport: Transport) => unknown][] = [
  [
    "url of upload()",
    (transport) => upload(pattern(5), { url: withUser(startUrl("resumable")), transport }),
  ],
  [
    "url of upload() in one request",
    (transport) => upload(pattern(5), { url: withUser(startUrl("media")), transport }),
  ],
  [
    "url of upload() as a URL",
    (transport) => upload("a", { url: new URL(withUser(startUrl("resumable"))), transport }),
  ],
  [
    "endpoint",
    (transport) =>
      upload("a", { ...TARGET, endpoint: "https://user:pa55word@storage.example", transport }),
  ],
  [
    "endpoint with a name only",
    (transport) => upload("a", { ...TARGET, endpoint: "https://pa55word@a.example", transport }),
  ],
  [
    "url of uploadStream()",
    (transport) => uploadStream({ url: withUser(startUrl("resumable")), transport }).result,
  ],
  ["SimpleUpload", () => new SimpleUpload(withUser(startUrl("media")))],
  ["MultipartUpload", () => new MultipartUpload(withUser(startUrl("multipart")))],
  ["ResumableUpload", () => new ResumableUpload(withUser(startUrl("resumable")), CHUNK)],
];

const credentials: PortableCase[] = CREDENTIALS.map(([what, call]) => ({
  name: `${what}: a name or a password in the URL is refused at the call, and not shown`,
  async run() {
    const error = await assertRefused(call, TypeError);
    assert(!error.message.includes("pa55word"), "the password is in the message");
  },
}));

/** Calls with an option that does not exist; its name is `mistaken`. */
const MISTAKEN: [what: string, call: (transport: Transport) => unknown][] = [
  ["upload()", (transport) => upload("a", { ...TARGET, transport, mistaken: 1 } as Anything)],
  [
    "upload() in one request",
    (transport) => upload("a", { ...TARGET, transport, retry: null, mistaken: 1 } as Anything),
  ],
  [
    "upload() by url",
    (transport) => upload("a", { url: startUrl("media"), transport, mistaken: 1 } as Anything),
  ],
  [
    "uploadStream()",
    (transport) => uploadStream({ ...TARGET, transport, mistaken: 1 } as Anything).result,
  ],
  ["SimpleUpload", () => new SimpleUpload(startUrl("media"), { mistaken: 1 } as Anything)],
  [
    "MultipartUpload",
    () => new MultipartUpload(startUrl("multipart"), { mistaken: 1 } as Anything),
  ],
  [
    "ResumableUpload",
    () => new ResumableUpload(startUrl("resumable"), CHUNK, { mistaken: 1 } as Anything),
  ],
  [
    "ResumableUpload.initiate()",
    (transport) =>
      new ResumableUpload(startUrl("resumable"), CHUNK)
        .initiate(transport, "a", {}, "a/b", { mistaken: 1 } as Anything),
  ],
  [
    "SimpleUpload.transmit()",
    (transport) =>
      new SimpleUpload(startUrl("media")).transmit(
        transport,
        "a",
        "a/b",
        { mistaken: 1 } as Anything,
      ),
  ],
  [
    "ResumableUpload.resume()",
    async () => {
      const before = await opened(new GcsEmulator().fetch, new Blob([pattern(9)]));
      ResumableUpload.resume(
        storedCheckpoint(before),
        new Blob([pattern(9)]),
        { mistaken: 1 } as Anything,
      );
    },
  ],
  [
    "retry of upload()",
    (transport) => upload("a", { ...TARGET, transport, retry: { mistaken: 1 } } as Anything),
  ],
  [
    "retry of uploadStream()",
    (transport) => uploadStream({ ...TARGET, transport, retry: { mistaken: 1 } } as Anything),
  ],
  [
    "retry of SimpleUpload",
    () => new SimpleUpload(startUrl("media"), { retry: { mistaken: 1 } } as Anything),
  ],
];

const mistaken: PortableCase[] = MISTAKEN.map(([what, call]) => ({
  name: `${what}: an option that does not exist is refused by its name`,
  run: async () => void await assertRefused(call, TypeError, "mistaken"),
}));

/** Endpoints that cannot be, and those that can. */
const ENDPOINTS = ["https://a.example?x=1", "https://a.example/base?", "https://a.example/#part"];

/** A start URL that says something already, and options that say it once more. */
const TWICE: [what: string, url: string, options: Partial<UploadOptions>][] = [
  ["ifGenerationMatch", startUrl("resumable", "name=object&ifGenerationMatch=5"), {
    ifGenerationMatch: 0,
  }],
  ["ifGenerationMatch", startUrl("media", "name=object&ifGenerationMatch=5"), {
    ifGenerationMatch: "6",
  }],
  ["name", startUrl("resumable", "name=object"), { metadata: { name: "another" } }],
];

/** Arguments. */
export const optionArguments: PortableCase[] = [
  ...headers,
  ...credentials,
  ...mistaken,
  ...ENDPOINTS.map((endpoint): PortableCase => ({
    name: `endpoint: ${endpoint} is refused, whatever the call`,
    async run() {
      const options = { ...TARGET, endpoint };
      await assertRefused((transport) => upload("a", { ...options, transport }), TypeError);
      await assertRefused((transport) => uploadStream({ ...options, transport }), TypeError);
      const url = new URL(endpoint);
      if (url.href === endpoint) {
        await assertRefused(
          (transport) => upload("a", { ...options, endpoint: url, transport }),
          TypeError,
        );
      }
    },
  })),
  ...["https://a.example", "https://a.example/", "https://a.example/base/", "http://a.example:8080"]
    .map((endpoint): PortableCase => ({
      name: `endpoint: ${endpoint} is taken`,
      async run() {
        const seen: string[] = [];
        const transport: Transport = (input) => {
          seen.push(input);
          return Promise.resolve(new Response(null, { status: 403 }));
        };
        await assertRejects(upload("a", { ...TARGET, endpoint, transport }), Error);
        const start = `${endpoint.replace(/\/$/, "")}/upload/storage/v1/b/${BUCKET}/o?name=object`;
        assert(seen[0].startsWith(start), `the first request went to ${seen[0]}`);
      },
    })),
  ...TWICE.map(([what, url, options]): PortableCase => ({
    name: `${what} of the options and another one in ${url.split("?")[1]} are refused`,
    async run() {
      const call = (transport: Transport) =>
        upload("a", { url, transport, ...options } as UploadOptions);
      await assertRefused(call, TypeError, what);
      if (!url.includes("resumable")) return;
      await assertRefused(
        (transport) => uploadStream({ url, transport, ...options } as Anything).result,
        TypeError,
        what,
      );
    },
  })),
  {
    name: "a parameter that the URL has with the same value is sent once",
    async run() {
      const gcs = new GcsEmulator();
      const url = startUrl("resumable", "name=object&ifGenerationMatch=0");
      const options = { url, ifGenerationMatch: 0, transport: gcs.fetch };
      await upload("a", { ...options, metadata: { name: "object" } });
      const { searchParams } = new URL(gcs.requests[0].url);
      assertEquals(searchParams.getAll("ifGenerationMatch"), ["0"]);
      assertEquals(searchParams.getAll("name"), ["object"]);
      assertStored(gcs, new TextEncoder().encode("a"));
    },
  },
  {
    name: "an endpoint and a url are one too many",
    run: async () =>
      void await assertRefused(
        (transport) =>
          upload(
            "a",
            { url: startUrl("resumable"), endpoint: "https://a.example", transport } as Anything,
          ),
        TypeError,
        "endpoint",
      ),
  },
  {
    name: "the caller's options and headers are not changed by an upload",
    async run() {
      const given = Object.freeze({ "x-goog-custom": "1" });
      const headers = new Headers(given);
      const metadata = Object.freeze({ cacheControl: "no-store" });
      const gcs = new GcsEmulator();
      for (const options of [{ headers: given }, { headers }, { headers: [...headers] }]) {
        await put(gcs, pattern(CHUNK + 1), Object.freeze({ ...options, metadata }) as Anything);
      }
      assertEquals([...headers], [["x-goog-custom", "1"]]);
      assertEquals(gcs.objects[0].resource.cacheControl, "no-store");
    },
  },
  {
    name: "options whose value is undefined are as options that are not there",
    async run() {
      const gcs = new GcsEmulator();
      const names = ["signal", "headers", "retry", "checksum", "onProgress", "onCheckpoint"];
      const more = [
        "totalBytes",
        "metadata",
        "contentType",
        "endpoint",
        "ifGenerationMatch",
        "url",
      ];
      const absent = Object.fromEntries([...names, ...more].map((name) => [name, undefined]));
      await put(gcs, pattern(5), { ...absent, retry: undefined });
      assertStored(gcs, pattern(5));
    },
  },
];
