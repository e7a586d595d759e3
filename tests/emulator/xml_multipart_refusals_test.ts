// Multipart uploads of the XML API: what is refused, with which answer, and that a refusal changes nothing.

import { assertEquals, assertMatch } from "@std/assert";
import { serveEmulator } from "../../src/emulator/serve.ts";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { data, ORIGIN, stream } from "./helpers.ts";
import {
  complete,
  completeBody,
  initiate,
  OBJECT,
  PART,
  putPart,
  refusal,
  stored,
} from "./multipart_helpers.ts";

const MALFORMED = "400 MalformedCompleteMultipartUploadRequest: " +
  "The complete multipart upload request body is malformed.";
const NO_PART = "400 InvalidPart: The requested upload part was not found.";

Deno.test("a part whose checksums do not hold is refused, and the one before stays", async () => {
  const gcs = new GcsEmulator();
  const id = await initiate(gcs);
  await stored(gcs, id, 1, "before");
  const md5 = "The MD5 you specified did not match what we computed.";
  const cases: [headers: Record<string, string>, refused: string][] = [
    [{ "content-md5": "AAAAAAAAAAAAAAAAAAAAAA==" }, `400 BadDigest: ${md5}`],
    [{ "x-goog-hash": "md5=AAAAAAAAAAAAAAAAAAAAAA==" }, `400 BadDigest: ${md5}`],
    [
      { "x-goog-hash": "crc32c=AAAAAA==" },
      "400 CrcMismatch: The CRC32C you specified did not match what we computed.",
    ],
    [
      { "content-md5": "JfnnlDI7RTiF9RgfG2JNCw==", "x-goog-hash": "md5=AAAAAAAAAAAAAAAAAAAAAA==" },
      `400 BadDigest: ${md5}`,
    ],
  ];
  for (const [headers, refused] of cases) {
    assertEquals(await refusal(putPart(gcs, id, 1, "123456789", headers)), refused);
  }
  for (const value of ["nonsense", "AAAA", ""]) {
    const reply = await putPart(gcs, id, 1, "x", { "content-md5": value });
    assertMatch(await refusal(reply), /^400 InvalidDigest: /);
  }
  assertEquals(gcs.multipartUploads[0].parts.map(({ size }) => size), [6]);
});

Deno.test("a part with the right checksums in both headers is taken", async () => {
  const gcs = new GcsEmulator();
  const reply = await putPart(gcs, await initiate(gcs), 1, "123456789", {
    "content-md5": "JfnnlDI7RTiF9RgfG2JNCw==",
    "x-goog-hash": "crc32c=4waSgw==, md5=JfnnlDI7RTiF9RgfG2JNCw==",
  });
  assertEquals(reply.status, 200);
});

Deno.test("part numbers go from 1 to 10,000", async () => {
  const gcs = new GcsEmulator();
  const id = await initiate(gcs);
  for (const number of [0, 10_001, -1, 1.5, "1e3", "x", ""]) {
    assertEquals(
      await refusal(putPart(gcs, id, number, "x")),
      "400 InvalidArgument: Invalid argument.",
      `${number}`,
    );
  }
  assertEquals((await putPart(gcs, id, 10_000, "x")).status, 200);
});

Deno.test("a part above 5 GiB is refused before it is read", async () => {
  const gcs = new GcsEmulator();
  const id = await initiate(gcs);
  const headers = { "content-length": "5368709121" };
  const reply = putPart(gcs, id, 1, stream([data(10)]), headers);
  assertMatch(await refusal(reply), /^400 EntityTooLarge: /);
  assertEquals(gcs.requests[1].bodyBytes, 0);
});

Deno.test("a part below 5 MiB that is not the last is refused, and the upload goes on", async () => {
  const gcs = new GcsEmulator();
  const id = await initiate(gcs);
  const small = await stored(gcs, id, 1, data(PART - 1));
  const last = await stored(gcs, id, 2, "end");
  assertMatch(
    await refusal(complete(gcs, id, [[1, small], [2, last]])),
    /^400 EntityTooSmall: Every part but the last must have at least 5242880 bytes\.$/,
  );
  const whole = await stored(gcs, id, 1, data(PART));
  assertEquals((await complete(gcs, id, [[1, whole], [2, last]])).status, 200);
});

Deno.test("parts that are not stored, not so stored, out of order or twice make no object", async () => {
  const gcs = new GcsEmulator();
  const id = await initiate(gcs);
  const first = await stored(gcs, id, 1, data(PART));
  const second = await stored(gcs, id, 2, "end");
  const order = "400 InvalidPartOrder: The parts must be in ascending order.";
  const cases: [parts: [number, string][], refused: string][] = [
    [[[1, first], [3, second]], NO_PART],
    [[[1, second]], NO_PART],
    [[[1, '"00000000000000000000000000000000"']], NO_PART],
    [[[0, first]], NO_PART],
    [[[2, second], [1, first]], order],
    [[[1, first], [1, first]], order],
  ];
  for (const [parts, refused] of cases) {
    assertEquals(await refusal(complete(gcs, id, parts)), refused, JSON.stringify(parts));
  }
  assertEquals([gcs.objects.length, gcs.multipartUploads[0].parts.length], [0, 2]);
  assertEquals((await complete(gcs, id, [[1, first], [2, second]])).status, 200);
});

Deno.test("a body that does not name parts in the right form is malformed", async () => {
  const gcs = new GcsEmulator();
  const id = await initiate(gcs);
  const good = completeBody([[1, await stored(gcs, id, 1, "x")]]);
  const bodies = [
    "",
    "{}",
    completeBody([]),
    "<CompleteMultipartUpload/>",
    good.replace("</Part>", ""),
    good.replace("</CompleteMultipartUpload>", ""),
    good.replace("<CompleteMultipartUpload>", '<CompleteMultipartUpload xmlns="http://other/">'),
    good.replace("<Part>", "<Part xmlns='http://other/'>"),
    good.replaceAll("CompleteMultipartUpload", "Complete"),
    good.replaceAll("Part>", "part>"),
    good.replace(/<ETag>.*<\/ETag>/, ""),
    good.replace(/(<PartNumber>.*<\/PartNumber>)/, "$1$1"),
    good.replace(">1<", ">one<"),
    good.replace("<Part>", "text<Part>"),
    `<!DOCTYPE a [<!ENTITY e "1">]>${good}`,
    good.replace(">1<", ">&e;<"),
    completeBody(Array.from({ length: 10_001 }, (_, i) => [i + 1, "x"] as const)),
  ];
  for (const body of bodies) {
    assertEquals(await refusal(complete(gcs, id, body)), MALFORMED, body.slice(0, 200));
  }
  assertEquals((await complete(gcs, id, good)).status, 200);
});

Deno.test("a checksum on the request that completes is that of its body", async () => {
  const gcs = new GcsEmulator();
  const id = await initiate(gcs);
  const body = completeBody([[1, await stored(gcs, id, 1, "123456789")]]);
  assertEquals(
    await refusal(complete(gcs, id, body, { "x-goog-hash": "crc32c=4waSgw==" })),
    "400 CrcMismatch: The CRC32C you specified did not match what we computed.",
  );
  const other = new GcsEmulator();
  const hash = (await putPart(other, await initiate(other), 1, body)).headers.get("x-goog-hash")!;
  assertEquals((await complete(gcs, id, body, { "x-goog-hash": hash })).status, 200);
});

Deno.test("the framing of AWS's streamed signatures is refused, not stored", async () => {
  const gcs = new GcsEmulator();
  const id = await initiate(gcs);
  const framed: Record<string, string>[] = [
    { "content-encoding": "aws-chunked" },
    { "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER" },
  ];
  for (const headers of framed) {
    assertMatch(await refusal(putPart(gcs, id, 1, "x", headers)), /^501 NotImplemented: /);
  }
  assertEquals(gcs.multipartUploads[0].parts, []);
});

Deno.test("a part in chunked coding is taken, and with chunkedParts: false it is a 411", async () => {
  for (const chunkedParts of [undefined, true, false]) {
    const gcs = new GcsEmulator({ chunkedParts });
    const id = await initiate(gcs);
    const reply = await putPart(gcs, id, 1, stream([data(1000)]));
    const known = await putPart(gcs, id, 2, stream([data(10)]), { "content-length": "10" });
    assertEquals([reply.status, known.status], [chunkedParts === false ? 411 : 200, 200]);
    if (reply.status !== 411) continue;
    assertEquals(await reply.text(), "PUT requests require a Content-length header.");
    assertEquals(gcs.multipartUploads[0].parts.map(({ number }) => number), [2]);
  }
});

Deno.test("a start without a length is a 411, and one with a body is refused", async () => {
  const gcs = new GcsEmulator();
  const server = await serveEmulator(gcs);
  try {
    const { hostname, port } = new URL(server.origin);
    const socket = await Deno.connect({ hostname, port: Number(port) });
    const head =
      `POST /bucket/n?uploads HTTP/1.1\r\nHost: ${hostname}\r\nConnection: close\r\n\r\n`;
    await socket.write(new TextEncoder().encode(head));
    const text = await new Response(socket.readable).text();
    assertMatch(text, /^HTTP\/1\.1 411 [^]*POST requests require a Content-length header\.$/);
  } finally {
    await server.close();
  }
  const reply = await gcs.fetch(`${OBJECT}?uploads`, { method: "POST", body: "x" });
  assertMatch(await refusal(reply), /^400 InvalidArgument: /);
  assertEquals(gcs.multipartUploads, []);
});

Deno.test("other methods, names and buckets are refused as elsewhere", async () => {
  const gcs = new GcsEmulator({ buckets: ["bucket"] });
  const refused = (url: string, method: string) => refusal(gcs.fetch(url, { method }));
  assertMatch(await refused(`${OBJECT}?uploads`, "PUT"), /^405 MethodNotAllowed/);
  assertMatch(await refused(`${OBJECT}?uploads`, "DELETE"), /^405 MethodNotAllowed/);
  assertMatch(await refused(`${OBJECT}?uploadId=x`, "PATCH"), /^405 MethodNotAllowed/);
  assertMatch(await refused(`${ORIGIN}/missing/n?uploads`, "POST"), /^404 NoSuchBucket/);
  assertMatch(await refused(`${ORIGIN}/missing?uploads`, "GET"), /^404 NoSuchBucket/);
  const long = "n".repeat(1025);
  assertMatch(await refused(`${ORIGIN}/bucket/${long}?uploads`, "POST"), /^400 InvalidArgument/);
});

Deno.test("authorize is asked for every request on a multipart upload", async () => {
  const gcs = new GcsEmulator({
    authorize: ({ headers }) => headers.get("authorization")?.startsWith("AWS4-HMAC-SHA256 ")!,
  });
  const authorization = "AWS4-HMAC-SHA256 Credential=a/b";
  const id = await initiate(gcs, { authorization });
  const missing = "401 AuthenticationRequired: Login Required";
  assertEquals(await refusal(putPart(gcs, id, 1, "x")), missing);
  assertEquals(await refusal(complete(gcs, id, [[1, "x"]])), missing);
  assertEquals(await refusal(gcs.fetch(`${ORIGIN}/bucket?uploads`)), missing);
  assertEquals((await putPart(gcs, id, 1, "x", { authorization })).status, 200);
});
