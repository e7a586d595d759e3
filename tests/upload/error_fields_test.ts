// The fields of an error say what happened: code, status, reason, and whether trying again helps.

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  DataCorruption,
  InvalidResponse,
  MultipartUpload,
  ResumableUpload,
  SimpleUpload,
  type Transport,
  UPLOAD_CHUNK_SIZE as U,
  UploadError,
  type UploadErrorCode,
} from "../../mod.ts";
import { patterned } from "../support/bytes.ts";
import { scripted, started, stored } from "../support/scripted.ts";
import { ERROR_CODES } from "../support/error_codes.ts";

const BASE = "https://storage.googleapis.com/upload/storage/v1/b/my-bucket/o?name=a&uploadType=";
const SIGNED = "https://storage.googleapis.com/my-bucket/a?X-Goog-Algorithm=GOOG4-RSA-SHA256" +
  "&X-Goog-SignedHeaders=host%3Bx-goog-resumable&X-Goog-Signature=51a7e0";
const retry = null;

/** Where a reply comes, and how to get there: an upload that meets it. */
const MOMENTS: [moment: string, meet: (reply: Response) => Promise<unknown>][] = [
  ["the start", (reply) => begin(BASE + "resumable", scripted(reply).transport)],
  ["the start by a signed URL", (reply) => begin(SIGNED, scripted(reply).transport)],
  ["a chunk", async (reply) => {
    const { transport } = scripted(started(), reply);
    await (await begin(BASE + "resumable", transport)).transmitNextChunk(transport);
  }],
  ["the last request", async (reply) => {
    const { transport } = scripted(started(), stored(U), reply);
    const upload = await begin(BASE + "resumable", transport);
    while (!upload.finished) await upload.transmitNextChunk(transport);
  }],
  ["a question", async (reply) => {
    const { transport } = scripted(started(), reply);
    await (await begin(BASE + "resumable", transport)).recover(transport);
  }],
  [
    "a simple upload",
    (reply) =>
      new SimpleUpload(BASE + "media", { retry }).transmit(scripted(reply).transport, "a", "a/b"),
  ],
  ["a multipart upload", (reply) =>
    new MultipartUpload(BASE + "multipart", { retry })
      .transmit(scripted(reply).transport, "a", {}, "a/b")],
];

async function begin(url: string, transport: Transport): Promise<ResumableUpload> {
  const upload = new ResumableUpload(url, U, { retry });
  await upload.initiate(transport, patterned(U + 5), {}, "a/b");
  return upload;
}

const JSON_TYPE = { "content-type": "application/json; charset=UTF-8" };
const XML_TYPE = { "content-type": "application/xml; charset=UTF-8" };
const json = (status: number, error: unknown, headers: HeadersInit = JSON_TYPE) => () =>
  new Response(JSON.stringify({ error }), { status, headers });
const xml = (status: number, inner: string, headers: HeadersInit = XML_TYPE) => () =>
  new Response(`<?xml version='1.0' encoding='UTF-8'?>${inner}`, { status, headers });

/** Replies, and what programs can read of them. */
const REPLIES: [
  what: string,
  reply: () => Response,
  fields: { code: string; status: number; reason: string | undefined; retryable: boolean },
  ...says: string[],
][] = [
  [
    "a JSON error",
    json(403, { code: 403, message: "no access", errors: [{ reason: "forbidden" }] }),
    { code: "rejected", status: 403, reason: "forbidden", retryable: false },
    "forbidden",
    "no access",
  ],
  [
    "a JSON error that claims to be a page",
    json(400, { message: "Parse Error", errors: [{ reason: "invalid" }] }, {
      "content-type": "text/html; charset=UTF-8",
    }),
    { code: "rejected", status: 400, reason: "invalid", retryable: false },
    "Parse Error",
  ],
  [
    "a JSON error with a status for a reason",
    json(401, { code: 401, message: "log in", status: "UNAUTHENTICATED" }),
    { code: "rejected", status: 401, reason: "UNAUTHENTICATED", retryable: false },
    "log in",
  ],
  [
    "a rate limit",
    json(403, { message: "slow down", errors: [{ reason: "userRateLimitExceeded" }] }),
    { code: "unavailable", status: 403, reason: "userRateLimitExceeded", retryable: true },
  ],
  [
    "429",
    json(429, { message: "slow down", errors: [{ reason: "rateLimitExceeded" }] }),
    { code: "unavailable", status: 429, reason: "rateLimitExceeded", retryable: true },
  ],
  [
    "an outage",
    json(503, { message: "Backend Error", errors: [{ reason: "backendError" }] }),
    { code: "unavailable", status: 503, reason: "backendError", retryable: true },
  ],
  [
    "an outage without words",
    () => new Response(null, { status: 500 }),
    { code: "unavailable", status: 500, reason: undefined, retryable: true },
  ],
  [
    "a failed precondition",
    json(412, { message: "did not hold", errors: [{ reason: "conditionNotMet" }] }),
    { code: "precondition_failed", status: 412, reason: "conditionNotMet", retryable: false },
  ],
  [
    "an XML error",
    xml(
      403,
      "<Error><Code>SignatureDoesNotMatch</Code><Message>Access denied.</Message>" +
        "<StringToSign>SECRET</StringToSign><CanonicalRequest>SECRET</CanonicalRequest></Error>",
    ),
    { code: "rejected", status: 403, reason: "SignatureDoesNotMatch", retryable: false },
    "SignatureDoesNotMatch",
    "Access denied.",
  ],
  [
    "an XML error with a namespace, lines and references",
    xml(
      400,
      "\n<Error xmlns='http://doc.s3.amazonaws.com/2006-03-01'>\n <Message>\n a &lt;b&gt; &amp;amp; c\n" +
        " </Message>\n <Code>ExpiredToken</Code>\n</Error>\n",
    ),
    { code: "rejected", status: 400, reason: "ExpiredToken", retryable: false },
    "ExpiredToken",
    "a <b> &amp; c",
  ],
  [
    "an XML error without a content type",
    xml(403, "<Error><Code>AccessDenied</Code><Message>no</Message></Error>", {}),
    { code: "rejected", status: 403, reason: "AccessDenied", retryable: false },
    "AccessDenied",
  ],
  [
    "an XML outage",
    xml(503, "<Error><Code>ServiceUnavailable</Code><Message>later</Message></Error>"),
    { code: "unavailable", status: 503, reason: "ServiceUnavailable", retryable: true },
    "ServiceUnavailable",
  ],
  [
    "XML that breaks off",
    xml(400, "<Error><Code>InvalidArgument</Code><Message>this is"),
    { code: "rejected", status: 400, reason: "InvalidArgument", retryable: false },
  ],
  [
    "a page",
    () =>
      new Response("<html><title>Code</title>", {
        status: 400,
        headers: { "content-type": "text/html" },
      }),
    { code: "rejected", status: 400, reason: undefined, retryable: false },
  ],
];

for (const [moment, meet] of MOMENTS) {
  for (const [what, reply, fields, ...says] of REPLIES) {
    Deno.test(`${what} at ${moment}: status, reason and retryable tell it`, async () => {
      const error = await assertRejects(() => meet(reply()), UploadError);
      assertInstanceOf(error, InvalidResponse);
      const { code, status, reason, retryable } = error;
      assertEquals<unknown>({ code, status, reason, retryable }, fields);
      for (const text of says) assertStringIncludes(error.message, text);
      assert(!error.message.includes("SECRET"), error.message);
      assert(error.message.length < 1000, "the message is long");
    });
  }

  for (const reason of ["CrcMismatch", "BadDigest"]) {
    Deno.test(`${reason} at ${moment} is damaged data`, async () => {
      const inner = `<Error><Code>${reason}</Code><Message>did not match</Message></Error>`;
      const error = await assertRejects(() => meet(xml(400, inner)()), DataCorruption);
      const { code, status, retryable } = error;
      assertEquals<unknown>({ code, status, reason: error.reason, retryable }, {
        code: "data_corruption",
        status: 400,
        reason,
        retryable: false,
      });
      assertStringIncludes(error.message, reason);
      assertEquals(error.response.status, 400);
    });
  }

  Deno.test(`a checksum that does not match at ${moment}, in JSON, is damaged data`, async () => {
    const message = `Provided CRC32C "AAAAAA==" doesn't match calculated CRC32C "4waSgw==".`;
    const reply = json(400, { message, errors: [{ reason: "invalid" }] })();
    const error = await assertRejects(() => meet(reply), DataCorruption);
    assertEquals([error.code, error.status, error.reason], ["data_corruption", 400, "invalid"]);
  });
}

for (const status of [404, 410]) {
  Deno.test(`a session that answers ${status} cannot be retried`, async () => {
    const error = await assertRejects(
      () => MOMENTS[2][1](new Response("Gone", { status })),
      UploadError,
    );
    assertEquals([error.code, error.status, error.retryable], ["session_gone", status, false]);
  });
}

Deno.test("an error that has no reply has no status, and says whether trying again may help", () => {
  const retryable = ["unavailable", "transport_failed", "deadline_exceeded"];
  for (const code of ERROR_CODES) {
    const error = new UploadError(code, "Cannot go on");
    assertEquals([error.status, error.reason], [undefined, undefined]);
    assertEquals(error.retryable, retryable.includes(code), code);
  }
});

Deno.test("the fields that programs read are in the JSON of an error, and the reply is not", async () => {
  const error = await assertRejects(() => MOMENTS[0][1](REPLIES[0][1]()), UploadError);
  const fields = JSON.parse(JSON.stringify(error));
  assertEquals([fields.code, fields.status, fields.reason], ["rejected", 403, "forbidden"]);
  assertEquals("response" in fields, false);
});

Deno.test("canResume says whether a checkpoint is worth keeping", () => {
  const worth: readonly UploadErrorCode[] = [
    "unavailable",
    "transport_failed",
    "deadline_exceeded",
    "invalid_response",
    "invalid_state",
    "source_changed",
  ];
  const over: readonly UploadErrorCode[] = [
    "session_gone",
    "session_cancelled",
    "data_corruption",
    "precondition_failed",
    "source_size_mismatch",
    "invalid_checkpoint",
    "rejected",
  ];
  for (const code of worth) assertEquals(new UploadError(code, "").canResume, true, code);
  for (const code of over) assertEquals(new UploadError(code, "").canResume, false, code);
  for (const [status, canResume] of [[401, true], [403, true], [400, false], [413, false]]) {
    const error = new UploadError("rejected", "", { status: Number(status) });
    assertEquals(error.canResume, canResume, `${status}`);
  }
});
