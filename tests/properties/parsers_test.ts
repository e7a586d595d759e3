// Parsers of single values: whatever they get, they answer, and what they accept is what it says.

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { UploadError } from "../../mod.ts";
import { malformedChecksum, readHashHeader } from "../../src/emulator/storage/checksums.ts";
import { readContentRange } from "../../src/emulator/json/content_range_header.ts";
import { readMetadata } from "../../src/emulator/json/metadata.ts";
import { boundaryOf } from "../../src/emulator/json/multipart_parser.ts";
import { isMediaType } from "../../src/protocol/media_type.ts";
import { contentRangeProtocol } from "../../src/protocol/content_range/mod.ts";
import { storedBytes } from "../../src/protocol/content_range/ranges.ts";
import { parseHashes } from "../../src/protocol/hashes.ts";
import { describeReply, readRefusal } from "../../src/protocol/refusal.ts";
import { compareFacts } from "../../src/protocol/resource.ts";
import { anything } from "../../src/protocol/resources/anything.ts";
import { storageObject } from "../../src/protocol/resources/storage_object.ts";
import { uploadTypeOf, uploadUrl, withParameter } from "../../src/protocol/upload_url.ts";
import { parseChunkRange } from "../../src/proxy/chunk_range.ts";
import { refusalError } from "../../src/upload/refusal_error.ts";
import { hostileJson, mutated, mutatedHeader } from "./support/mutated.ts";
import { property } from "./support/property.ts";

const place = fc.oneof(fc.nat({ max: 9 }), fc.constant("*"), fc.maxSafeNat());
const RANGES = fc.oneof(
  mutated("bytes 0-262143/*", "bytes 5-9/10", "bytes */*", "bytes */0", "bytes 0-*/5"),
  fc.tuple(place, place, place).map(([first, last, total]) => `bytes ${first}-${last}/${total}`),
);

property(
  "a Content-Range is read as what it says, by proxy and emulator alike, or not at all",
  1500,
  RANGES,
  (text) => {
    const [ours, googles] = [parseChunkRange(text), readContentRange(text)];
    if (!ours) return;
    const { first, last, total } = ours;
    for (const place of [first, last, total]) assert(place === undefined || place >= 0);
    assert(last === undefined || (first !== undefined && first <= last));
    assert(total === undefined || (last ?? first ?? -1) < total);
    const written = `${first === undefined ? "" : `${first}-`}${last ?? "*"}/${total ?? "*"}`;
    const plain = text.trim().slice(6).replace(/\d+/g, (digits) => String(Number(digits)));
    assertEquals(written, plain);
    if (googles?.form === "closed") {
      assertEquals([googles.first, googles.last, googles.total], [first, last, total ?? null]);
    } else if (googles) {
      assertEquals(last, undefined);
    }
  },
);

property(
  "a Range is read as what it says, or not at all",
  1500,
  mutated("bytes=0-0", "0-9", "bytes=0-262143", "bytes=0-9007199254740990"),
  (text) => {
    const stored = storedBytes(text);
    if (stored === undefined) return;
    assert(Number.isSafeInteger(stored) && stored > 0);
    assertEquals(Number(text.trim().replace(/^bytes=/i, "").slice(2)) + 1, stored);
  },
);

property(
  "checksums in a header are base64, or absent",
  1500,
  mutated("crc32c=AAAAAA==", "crc32c=yZRlqg==,md5=XrY7u+Ae7tCTyyK7j1rNww==", "md5=", ","),
  (text) => {
    for (const hash of Object.values(parseHashes(text)) as string[]) {
      assert(/^[A-Za-z0-9+/]+={0,2}$/.test(hash));
    }
    const declared = readHashHeader(text);
    const refusal = malformedChecksum(declared);
    if (refusal) return assertEquals(refusal.code, 400);
    const lengths = [declared.crc32c, declared.md5Hash].map((hash) => hash && atob(hash).length);
    assertEquals(lengths.filter((length, i) => length !== undefined && length !== [4, 16][i]), []);
  },
);

property(
  "a media type is a media type on one line, or refused",
  1500,
  mutated("image/png", 'text/plain; charset="utf-8"', "a/b;c=d;e=f", "application/x.y+json").filter(
    // Semicolons and blanks by the dozen are in a test of their own, which does not hang.
    (text) => (text.match(/[ \t;]/g) ?? []).length < 12,
  ),
  (text) => {
    if (!isMediaType(text)) return;
    assert(/^[\x20-\x7e\t]{3,255}$/.test(text) && text.includes("/"));
    const { body } = new Response(null, { headers: { "content-type": text } });
    assertEquals(body, null);
  },
);

property(
  "metadata is a JSON object, or a 400",
  1500,
  fc.oneof(
    mutated('{"name":"a"}', "[]", "null", ""),
    hostileJson("name").map((v) => JSON.stringify(v)),
  ),
  (text) => {
    const read = readMetadata(new TextEncoder().encode(text));
    if ("metadata" in read) assertEquals(typeof read.metadata, "object");
    else assertEquals([read.code, read.message.length < 300], [400, true]);
  },
);

property(
  "a boundary has 1 to 70 characters, or is none",
  1500,
  mutated("multipart/related; boundary=frame", 'multipart/related; boundary="a b"', "text/plain"),
  (text) => {
    const boundary = boundaryOf(text);
    assert(boundary === null || (boundary.length >= 1 && boundary.length <= 70));
  },
);

/** What is known of an upload besides its bytes. */
const CONTEXT = {
  startUrl: "https://storage.googleapis.com/upload/storage/v1/b/my-bucket/o?name=a",
  method: "POST",
  metadata: {},
} as const;

const ERROR_KEYS = ["error", "message", "errors", "reason", "code", "size", "crc32c", "md5Hash"];
const bodies = fc.oneof(
  hostileJson(...ERROR_KEYS).map((value) => JSON.stringify(value)),
  fc.tuple(hostileJson(...ERROR_KEYS), hostileJson(...ERROR_KEYS)).map(([message, reason]) =>
    JSON.stringify({ error: { message, errors: [{ reason }] } })
  ),
  mutated('{"error":{"code":400,"message":"x","errors":[{"reason":"invalid"}]}}', '{"size":"5"}'),
);

property(
  "whatever a server answers has a meaning, and an error message without its URLs",
  2000,
  fc.record({
    status: fc.oneof(fc.constantFrom(0, 200, 201, 308, 400, 403, 404, 503), fc.nat({ max: 999 })),
    text: bodies,
    range: fc.option(mutatedHeader("bytes=0-5"), { nil: undefined }),
    hash: fc.option(mutatedHeader("crc32c=AAAAAA=="), { nil: undefined }),
  }),
  ({ status, text, range, hash }) => {
    const headers = new Headers();
    if (range !== undefined) headers.set("range", range);
    if (hash !== undefined) headers.set("x-goog-hash", hash);
    const secret = "https://x.example/o?upload_id=SECRETSECRET";
    const reply = { status, headers, text: text.replaceAll('"a"', JSON.stringify(secret)) };
    const question = { asked: "status", persisted: 0, known: 0, sent: 10 } as const;
    const meaning = contentRangeProtocol.answer(reply, question);
    readRefusal(reply);
    contentRangeProtocol.opened(reply, CONTEXT.startUrl);
    anything.read(reply);
    const object = storageObject.read(reply);
    if (object !== undefined) {
      const facts = storageObject.facts!(object, CONTEXT);
      assert(facts !== undefined);
      assert(facts.size === undefined || facts.size >= 0);
      compareFacts(facts, { size: 5, checksums: { crc32c: "AAAAAA==" } }, "auto");
      assert(storageObject.complete!(object, { ...CONTEXT, size: 5 }).size !== undefined);
    }
    assert(describeReply(reply).length < 3000);
    if (meaning.kind === "stored" || meaning.kind === "finished") return;
    const error = refusalError("try", { ...reply, response: new Response() }, meaning, true);
    assert(error instanceof UploadError);
    assert(!error.message.includes("SECRETSECRET"), error.message);
  },
);

property(
  "an upload URL has a type that is known, or is refused with a TypeError or RangeError",
  1500,
  mutated(
    "https://storage.googleapis.com/upload/storage/v1/b/b/o?uploadType=media&name=a",
    "https://storage.googleapis.com/b/o?X-Goog-Signature=SECRETSECRET&X-Goog-SignedHeaders=host",
    "http://localhost:1/o?x#fragment",
  ),
  (text) => {
    if (!URL.canParse(text)) return;
    try {
      const type = uploadTypeOf(text);
      assert(type === undefined || ["media", "multipart", "resumable"].includes(type));
      const url = new URL(withParameter(text, "ifGenerationMatch", "a&b=c #"));
      assertEquals(url.searchParams.getAll("ifGenerationMatch").at(-1), "a&b=c #");
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      assert(!error.message.includes("SECRETSECRET"), error.message);
    }
  },
);

property(
  "every name that is accepted comes back from the URL as it was",
  1500,
  fc.tuple(mutated("my-bucket", "a.b.c"), mutated("a/b c", "?#%", "..", "ä😀")),
  ([bucket, name]) => {
    try {
      const url = new URL(uploadUrl("https://storage.googleapis.com", bucket, name));
      assertEquals(url.searchParams.get("name"), name);
      assertEquals(url.pathname, `/upload/storage/v1/b/${bucket}/o`);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      assert(error.message.length < 400);
    }
  },
);
