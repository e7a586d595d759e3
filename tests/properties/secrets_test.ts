// Parsers of what holds secrets: tickets, tokens, settings, keys, checkpoints. They refuse by name and never show a value.

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { ResumableUpload, UploadError } from "../../mod.ts";
import { checkKey } from "../../src/auth/service_account.ts";
import { HttpError } from "../../src/proxy/http_error.ts";
import { createUploadProxy } from "../../src/proxy/proxy.ts";
import { type SealedSession, sessionSealer } from "../../src/proxy/session_token.ts";
import { signUploadTicket, ticketVerifier } from "../../src/proxy/ticket.ts";
import { proxyOptions, SettingError } from "../../src/worker.ts";
import { base64url, EncryptJWT, SignJWT } from "jose";
import { hostileJson, mutated, mutatedObject } from "./support/mutated.ts";
import { property } from "./support/property.ts";

const CANARY = "canarycanarycanary";
const SECRET = `${CANARY}-a ticket secret of more than 32 bytes`;
const SEAL = "nzwatX4iCNTGYQ-bg-pdF_BLLOiReja9UMTijx1jqXs";

/** The message shows nothing of a secret. */
function quiet(error: Error): void {
  const shown = `${error.message} ${error.cause ?? ""}`;
  for (const secret of [CANARY, SEAL]) assert(!shown.includes(secret), shown);
  assert(shown.length < 600, "a message of more than 600 characters");
}

/** A JWT without what its decoder reads over; the last character holds bits that mean nothing. */
const bare = (jwt: string): string => jwt.replace(/[\s=]/g, "").slice(0, -1);

const ticket = await signUploadTicket(SECRET, { subject: "u", prefix: "a/" }, {
  expiresIn: 86_400,
  maxAge: 1e9,
});
const verify = ticketVerifier({ secret: SECRET, maxAge: 1e9 });

property(
  "a ticket is a grant, or refused with 401",
  800,
  mutated(ticket, ticket.split(".").slice(0, 2).join("."), "a.b.c", ".."),
  async (text) => {
    try {
      const { subject, prefix } = await verify(text);
      // Blanks and padding in base64url are read over; whoever signed it, signed the same bytes.
      assertEquals([subject, prefix, bare(text)], ["u", "a/", bare(ticket)]);
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      assertEquals(error.status, 401);
      quiet(error);
    }
  },
);

const CLAIMS = {
  sub: "u",
  bucket: "my-bucket",
  object: "a",
  prefix: "",
  max_bytes: 5,
  content_types: ["image/*"],
  overwrite: false,
  metadata: { cacheControl: "no-store" },
  exp: 4e9,
};

property(
  "a signed ticket with any claims is a grant whose fields have the right types, or a 401",
  800,
  mutatedObject(CLAIMS),
  async (claims) => {
    const key = new TextEncoder().encode(SECRET);
    const signed = await new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(key);
    try {
      const grant = await verify(signed);
      assertEquals(typeof grant.subject, "string");
      assert(["undefined", "string"].includes(typeof grant.name));
      assert(["undefined", "boolean"].includes(typeof grant.overwrite));
      assert(grant.maxBytes === undefined || Number.isSafeInteger(grant.maxBytes));
      assert(grant.contentTypes === undefined || Array.isArray(grant.contentTypes));
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      assertEquals(error.status, 401);
      quiet(error);
    }
  },
);

const sealer = sessionSealer([SEAL]);
const sealed: SealedSession = {
  target: "/upload/storage/v1/b/my-bucket/o?upload_id=x",
  bucket: "my-bucket",
  maxBytes: 100,
  size: 5,
  expires: 4e9,
};
const token = await sealer.seal(sealed);

property(
  "a session token that was changed in any way is unknown",
  800,
  mutated(token, token.split(".").slice(0, 4).join("."), ticket, "....", ""),
  async (text) => {
    const opened = await sealer.open(text);
    if (text === token) assertEquals(opened, sealed);
    else if (opened !== "unknown") assertEquals(opened, sealed); // other padding bits, the same bytes
  },
);

property(
  "a session token of another version, sealed with our own key, leads nowhere but to an answer",
  300,
  mutatedObject({ t: sealed.target, b: sealed.bucket, m: sealed.maxBytes, s: 5, exp: 4e9, v: 2 }),
  async (payload) => {
    const key = base64url.decode(SEAL);
    const digest = await crypto.subtle.digest(
      "SHA-256",
      new Uint8Array([...new TextEncoder().encode("kid"), ...key]),
    );
    const kid = base64url.encode(new Uint8Array(digest).subarray(0, 6));
    const other = await new EncryptJWT(payload)
      .setProtectedHeader({ alg: "dir", enc: "A256GCM", kid }).encrypt(key);
    const sentTo: string[] = [];
    const proxy = createUploadProxy({
      transport: () => Promise.reject(new Error("not asked for")),
      fetch: (url) => {
        sentTo.push(url);
        return Promise.resolve(new Response(null, { status: 308 }));
      },
      sessionSecrets: [SEAL],
      authorize: () => ({ prefix: "" }),
    });
    const url = `https://proxy.example/upload/storage/v1/b/my-bucket/o?upload_id=${other}`;
    const init = { method: "PUT", headers: { "content-range": "bytes */*" } };
    const response = await proxy.fetch(new Request(url, init));
    const { status } = response;
    assert(status === 308 || (status >= 400 && status <= 499), `status ${status}`);
    for (const to of sentTo) assertEquals(new URL(to).origin, "https://storage.googleapis.com");
  },
);

const KEY = {
  type: "service_account",
  client_email: "a@b.iam.gserviceaccount.com",
  private_key: `-----BEGIN PRIVATE KEY-----\n${CANARY}AA==\n-----END PRIVATE KEY-----\n`,
  private_key_id: "0123",
  token_uri: "https://oauth2.googleapis.com/token",
};

property(
  "a service account key is complete, or refused with a TypeError that shows nothing of it",
  2000,
  fc.oneof(mutated(JSON.stringify(KEY)), mutatedObject(KEY).map((key) => JSON.stringify(key))),
  (text) => {
    try {
      const key = checkKey(text);
      assert(/^-----BEGIN PRIVATE KEY-----[A-Za-z0-9+/=]+-----END PRIVATE KEY-----$/.test(
        key.pem.replaceAll("\n", ""),
      ));
      assert(key.email.includes("@"));
      assertEquals(typeof key.tokenUri, "string");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      assert(error.message.startsWith("credentials: "), error.message);
      quiet(error);
    }
  },
);

const SETTINGS = {
  GCS_BUCKET: "my-bucket",
  GCS_ENDPOINT: "https://storage.googleapis.com",
  GOOGLE_AUTH: "metadata",
  SESSION_SECRET: `${SEAL}, ${SEAL}`,
  TICKET_SECRET: SECRET,
  TICKET_ISSUER: "https://issuer.example",
  TICKET_AUDIENCE: "uploads",
  ALLOWED_ORIGINS: "https://app.example",
  ALLOWED_CONTENT_TYPES: "image/*, text/plain",
  MAX_UPLOAD_BYTES: "1000000",
  MAX_CHUNK_BYTES: "8388608",
  SESSION_TTL_SECONDS: "3600",
  PUBLIC_ORIGIN: "https://proxy.example",
};
const ALSO = ["GOOGLE_SERVICE_ACCOUNT", "TICKET_JWKS_URL", "ALLOW_ANONYMOUS"] as const;
const VALUES = [...Object.values(SETTINGS), JSON.stringify(KEY), "true", "none", "service-account"];

property(
  "settings make a proxy, or a SettingError that names one of them and shows no value",
  2000,
  fc.array(
    fc.record({
      name: fc.constantFrom(...Object.keys(SETTINGS), ...ALSO),
      value: fc.option(mutated(...VALUES), { nil: undefined }),
    }),
    { maxLength: 4 },
  ),
  (changes) => {
    const settings: Record<string, string> = { ...SETTINGS };
    for (const { name, value } of changes) {
      if (value === undefined) delete settings[name];
      else settings[name] = value;
    }
    try {
      createUploadProxy(proxyOptions(settings));
    } catch (error) {
      if (!(error instanceof SettingError)) throw error;
      assert(error.setting in SETTINGS || ALSO.some((name) => name === error.setting));
      assert(error.message.startsWith(`${error.setting}: expected `), error.message);
      quiet(error);
    }
  },
);

const CHECKPOINT = {
  version: 1,
  uploadUrl: "https://storage.googleapis.com/upload/storage/v1/b/b/o?uploadType=resumable",
  sessionUrl: `https://storage.googleapis.com/upload/storage/v1/b/b/o?upload_id=${CANARY}`,
  chunkSize: 262144,
  persisted: 5,
  crc32c: "AAAAAA==",
  totalBytes: 10,
  lastModified: 0,
  contentType: "text/plain",
  checksum: "auto",
};

/** What a checkpoint from storage may end in. */
function expectCheckpointAnswer(value: unknown): void {
  try {
    const upload = ResumableUpload.resume(value as never, new Uint8Array(10));
    assert(upload.invalid && upload.bytesUploaded >= 0);
  } catch (error) {
    if (!(error instanceof UploadError)) throw error;
    assert(["invalid_checkpoint", "source_changed"].includes(error.code), error.code);
    quiet(error);
  }
}

property(
  "a checkpoint from storage can be gone on from, or is refused with a typed error",
  2000,
  fc.oneof(
    mutatedObject(CHECKPOINT),
    hostileJson(...Object.keys(CHECKPOINT)),
    mutated(JSON.stringify(CHECKPOINT)).filter(isJson).map((text) => JSON.parse(text)),
  ),
  expectCheckpointAnswer,
);

property(
  "a checkpoint of another version is refused, and the message says which version it is",
  300,
  fc.oneof(fc.integer(), fc.double(), fc.constantFrom("1", "2", "1.0", null, undefined, [1])),
  (version) => {
    if (version === 1) return;
    try {
      ResumableUpload.resume({ ...CHECKPOINT, version } as never, new Uint8Array(10));
    } catch (error) {
      assert(error instanceof UploadError && error.code === "invalid_checkpoint");
      assert(error.message.includes("expected version 1, got version "), error.message);
      return;
    }
    throw new Error("another version was accepted");
  },
);

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
