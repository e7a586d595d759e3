/** The session URL of Google, sealed: what clients get in its place, and what it may be used for. */

import { CLOUD_STORAGE } from "./backend.ts";
import { badGateway } from "./http_error.ts";
import type { ObjectView } from "./object_view.ts";
import { RecentlyUsed } from "./recently_used.ts";
import { checkRandom } from "./secrets.ts";
import { SettingError } from "./setting_error.ts";
import { base64url, CompactEncrypt, errors, jwtDecrypt, type JWTPayload } from "jose";

/** What a sealed session holds. What is not said is left out, so that sessions of before can be opened, and look the same. */
export interface SealedSession {
  /** The session URL without the endpoint's origin: path and query. */
  readonly target: string;
  /** The name of the backend; without it, Cloud Storage. */
  readonly backend?: string | undefined;
  /** What requests that do not finish it carry a multiple of, in bytes, where that is not the backend's usual one. */
  readonly granularity?: number | undefined;
  /** Empty where the backend has none. */
  readonly bucket: string;
  /** The most bytes the object may have. */
  readonly maxBytes: number;
  /** The size that was declared at the start, in bytes. */
  readonly size: number | undefined;
  /** When it ends, in seconds since 1970. */
  readonly expires: number;
  /** The fewest bytes the object may have. */
  readonly minBytes?: number | undefined;
  /** Whether the request that finishes the upload must bring a checksum. */
  readonly needsHash?: boolean | undefined;
  /** Who the ticket is for. */
  readonly subject?: string | undefined;
  /** What the grant carries for hooks. */
  readonly payload?: unknown;
  /** What the client is shown of the object; without it, what everybody may know. */
  readonly view?: ObjectView | undefined;
  /** `Upload-Metadata` as a tus client wrote it. */
  readonly uploadMetadata?: string | undefined;
  /** Whether a client of the IETF's protocol has started it. */
  readonly isResumableHttp?: boolean | undefined;
}

/** Why a token cannot be opened. */
export type Unopened = "expired" | "unknown";

/** Seals and opens sessions. */
export interface SessionSealer {
  seal(session: SealedSession): Promise<string>;
  open(token: string): Promise<SealedSession | Unopened>;
}

/** Longer tokens are not even tried: URLs have to fit the smallest of servers. */
const MAX_TOKEN_LENGTH = 12_288;

/**
 * How many characters the tokens of sessions have together that are remembered: those of some 1,500 usual ones, or of 85 of
 * the longest. Nothing depends on it: it only saves to decrypt the same token for each chunk, and the first time where this
 * instance has sealed it, so workerd and Deno pass on a sixth more chunks of 256 KiB a second.
 */
const MAX_REMEMBERED = 1_048_576;

/**
 * A sealer with these secrets, each 32 bytes in base64url: the first one seals, all of them open. JWE with a direct key
 * and A256GCM.
 */
export function sessionSealer(
  secrets: readonly string[],
  now: () => number = Date.now,
): SessionSealer {
  if (secrets.length === 0) {
    throw new SettingError("SESSION_SECRET", "at least one secret, got none");
  }
  const keys = secrets.map(keyOf);
  // Imported once: it halves the time that opening a session takes.
  const named = Promise.all(
    keys.map(async (bytes) => ({ key: await importKey(bytes), kid: await keyId(bytes) })),
  );
  const known = new RecentlyUsed<SealedSession>(MAX_REMEMBERED, (token) => token.length);
  return {
    async seal(session) {
      const { target, bucket, maxBytes, size, expires, subject, payload, view } = session;
      const { backend, granularity } = session;
      const [{ key, kid }] = await named;
      const claims: JWTPayload = {
        t: target,
        b: bucket,
        m: maxBytes,
        ...(size !== undefined && { s: size }),
        ...(session.minBytes && { n: session.minBytes }),
        ...(session.needsHash && { c: true }),
        ...(subject !== undefined && { u: subject }),
        ...(payload !== undefined && { p: payload }),
        ...(view && sealedView(view)),
        ...(session.uploadMetadata !== undefined && { d: session.uploadMetadata }),
        ...(backend !== undefined && backend !== CLOUD_STORAGE && { k: backend }),
        ...(granularity !== undefined && { g: granularity }),
        ...(session.isResumableHttp && { i: true }),
        exp: expires,
      };
      const text = JSON.stringify(claims);
      // A JWT, as `EncryptJWT` makes it; that would clone the claims before it writes them.
      const token = await new CompactEncrypt(new TextEncoder().encode(text))
        .setProtectedHeader({ alg: "dir", enc: "A256GCM", kid })
        .encrypt(key);
      if (token.length > MAX_TOKEN_LENGTH) {
        throw badGateway("Google's session URL is too long", false);
      }
      const sealed = sessionOf(JSON.parse(text)); // as somebody else will open it
      if (sealed) known.set(token, sealed);
      return token;
    },
    async open(token) {
      const remembered = known.get(token);
      if (remembered) {
        return remembered.expires <= Math.floor(now() / 1000) ? "expired" : remembered;
      }
      if (!isCanonical(token)) return "unknown";
      const candidates = await named;
      try {
        const { payload } = await jwtDecrypt(
          token,
          ({ kid }) => {
            const found = candidates.find((candidate) => candidate.kid === kid);
            if (!found) throw new errors.JWKSNoMatchingKey();
            return found.key;
          },
          {
            keyManagementAlgorithms: ["dir"],
            contentEncryptionAlgorithms: ["A256GCM"],
            requiredClaims: ["exp"],
            currentDate: new Date(now()),
          },
        );
        const session = sessionOf(payload);
        if (!session) return "unknown"; // sealed by another version
        known.set(token, session);
        return session;
      } catch (error) {
        return error instanceof errors.JWTExpired ? "expired" : "unknown";
      }
    },
  };
}

/** Five parts, of which the second is empty: 12 bytes of nonce, and 16 of tag. */
const TOKEN = /^[\w-]+\.\.[\w-]{16}\.[\w-]+\.[\w-]{22}$/;

/**
 * Whether a token is spelt as it was sealed. Decoders read over blanks, padding, and bits of the last character that mean
 * nothing; of these the client would make names for its session as it likes.
 */
function isCanonical(token: string): boolean {
  if (token.length > MAX_TOKEN_LENGTH || !TOKEN.test(token)) return false;
  return token.split(".").every((part) => {
    try {
      return base64url.encode(base64url.decode(part)) === part;
    } catch {
      return false; // of a length that there is not
    }
  });
}

/** What a token holds, if it is one of ours. */
function sessionOf(
  { t, b, m, s, n, c, u, p, f, h, q, d, i, k, g, exp }: JWTPayload,
): SealedSession | undefined {
  const isOurs = typeof t === "string" && (k !== undefined || t.startsWith("/")) &&
    typeof b === "string" &&
    isCount(m) && (s === undefined || isCount(s)) && (n === undefined || isCount(n)) &&
    isOptionalText(u) &&
    isTexts(f) && isTexts(h) && isOptionalText(q) && isOptionalText(d) && isOptionalText(k) &&
    (g === undefined || (isCount(g) && g > 0));
  if (!isOurs) return undefined;
  const view = f || h || q !== undefined
    ? { fields: f ?? [], hidden: h ?? [], asked: q as string | undefined }
    : undefined;
  return {
    target: t,
    bucket: b,
    maxBytes: m,
    size: s as number | undefined,
    expires: exp!,
    ...(n !== undefined && { minBytes: n }),
    ...(c === true && { needsHash: true }),
    ...(u !== undefined && { subject: u as string }),
    ...(p !== undefined && { payload: p }),
    ...(view && { view }),
    ...(d !== undefined && { uploadMetadata: d as string }),
    ...(k !== undefined && { backend: k as string }),
    ...(g !== undefined && { granularity: g as number }),
    ...(i === true && { isResumableHttp: true }),
  };
}

/** A view in as few characters as it takes. */
function sealedView({ fields, hidden, asked }: ObjectView): Record<string, unknown> {
  return {
    ...(fields.length > 0 && { f: fields }),
    ...(fields.includes("metadata") && hidden.length > 0 && { h: hidden }),
    ...(asked !== undefined && { q: asked }),
  };
}

function isOptionalText(value: unknown): value is string | undefined {
  return value === undefined || typeof value === "string";
}

function isTexts(value: unknown): value is string[] | undefined {
  return value === undefined ||
    (Array.isArray(value) && value.every((text) => typeof text === "string"));
}

/** A short name of a sealed session, for the log: a part of its nonce, which is random and no secret. */
export function sessionName(token: string): string {
  return token.split(".")[2].slice(0, 12);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** A secret as bytes; an error does not show it. */
function keyOf(secret: string): Uint8Array<ArrayBuffer> {
  let bytes: Uint8Array<ArrayBuffer> | undefined;
  try {
    bytes = new Uint8Array(base64url.decode(secret.trim()));
  } catch { /* said below */ }
  if (bytes?.length !== 32) {
    const got = bytes ? `${bytes.length} bytes` : "something else";
    throw new SettingError("SESSION_SECRET", `32 bytes in base64url, got ${got}`);
  }
  checkRandom("SESSION_SECRET", bytes);
  return bytes;
}

function importKey(bytes: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
}

/** Names a key without telling anything of it. */
async function keyId(key: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest(
    "SHA-256",
    new Uint8Array([...new TextEncoder().encode("kid"), ...key]),
  );
  return base64url.encode(new Uint8Array(digest).subarray(0, 6));
}
