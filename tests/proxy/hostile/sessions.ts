// Hostile requests with sessions that are none, are over, or belong to somebody else.

import { CompactEncrypt, generateKeyPair } from "jose";
import { sessionSealer } from "../../../src/proxy/session_token.ts";
import { ask, bearer, ORIGIN, outcome, SESSION_SECRET, setup, start, UPLOAD } from "../support.ts";
import { type Hostile, started, type Target } from "./case.ts";

/** Sends a byte on a session that somebody claims to have. */
const use = (target: Target, token: string): Promise<Response> =>
  ask(target, `${UPLOAD}?upload_id=${encodeURIComponent(token)}`, { method: "PUT", body: "x" });
const tokenOf = (url: string): string => new URL(url).searchParams.get("upload_id")!;

const PAYLOAD = {
  t: "/upload/storage/v1/b/my-bucket/o?upload_id=x",
  b: "my-bucket",
  m: 10,
  exp: 9e9,
};
const bytes = new TextEncoder().encode(JSON.stringify(PAYLOAD));

const unknown: readonly [attack: string, make: (target: Target) => string | Promise<string>][] = [
  ["the session of a proxy with another secret", async () => {
    const other = setup({ sessionSecrets: ["Zb1Qk7vXn4TtYr0cJ2mWs8uLh5pEo9iGfD3aN6xKqVM"] });
    return tokenOf(await start(other));
  }],
  ["no token at all", () => ""],
  ["a token of 100 000 characters", () => "e30".repeat(33_334)],
  ["a JWE with `RSA-OAEP`", async () => {
    const { publicKey } = await generateKeyPair("RSA-OAEP");
    return await new CompactEncrypt(bytes)
      .setProtectedHeader({ alg: "RSA-OAEP", enc: "A256GCM" }).encrypt(publicKey);
  }],
  ["a JWE with a password and 2³¹ rounds (`PBES2`, `p2c`)", () => {
    const header = { alg: "PBES2-HS256+A128KW", enc: "A256GCM", p2s: "c2FsdHNhbHQ", p2c: 2 ** 31 };
    return `${btoa(JSON.stringify(header)).replaceAll("=", "")}.AAAA.AAAAAAAAAAAAAAAA.AAAA.AAAA`;
  }],
  ["an upload ticket in its place", async () => (await bearer()).slice("Bearer ".length)],
];

/** The next character that means the same at the end of a part that has bits to spare. */
const spare = (character: string): string => ALPHABET[ALPHABET.indexOf(character) ^ 1];
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

const respelt: readonly [attack: string, change: (token: string) => string][] = [
  ["with a blank at the end", (token) => `${token} `],
  ["with a line break in its nonce", (token) => token.replace("..", "..\n")],
  ["with padding", (token) => `${token}==`],
  ["with other spare bits", (token) => token.slice(0, -1) + spare(token.at(-1)!)],
  ["in another base64", (token) => token.replaceAll("-", "+").replaceAll("_", "/") + "="],
];
const rewritten: readonly [attack: string, change: (token: string) => string][] = [
  ["twice", (token) => `upload_id=${token}&upload_id=${token}`],
  ["with an encoded letter", (token) => {
    const code = token.charCodeAt(0).toString(16);
    return `upload_id=%${code}${token.slice(1)}`;
  }],
  ["under an encoded name", (token) => `upload%5Fid=${token}`],
];

/** Sessions that are none, are over, or belong to somebody else. */
export const sessions: readonly Hostile[] = [
  ...unknown.map(([attack, make]) => ({
    attack,
    answer: "404 notFound",
    run: async (target: Target) => await use(target, await make(target)),
  })),
  {
    attack: "Google's own `upload_id`",
    answer: "404 notFound",
    google: "start",
    run: async (target) => {
      const reply = await target.gcs.fetch(
        "https://storage.googleapis.com/upload/storage/v1/b/my-bucket/o?uploadType=resumable&name=a",
        { method: "POST" },
      );
      await started(target);
      return await use(target, tokenOf(reply.headers.get("location")!));
    },
  },
  {
    attack: "parts of two sessions put together",
    answer: "404 notFound",
    google: "start, start",
    run: async (target) => {
      const [one, other] = [await started(target), await started(target)].map((url) =>
        tokenOf(url).split(".")
      );
      return await use(target, [...one.slice(0, 3), other[3], one[4]].join("."));
    },
  },
  {
    attack: "a session as a ticket",
    answer: "401 authError",
    google: "start",
    run: async (target) => {
      const authorization = `Bearer ${tokenOf(await started(target))}`;
      const query = `${ORIGIN}/upload/storage/v1/b/my-bucket/o?uploadType=media&name=b`;
      return await ask(target, query, { body: "x", grant: null, headers: { authorization } });
    },
  },
  ...respelt.map(([attack, change]) => ({
    attack: `a session's token ${attack}`,
    answer: "404 notFound",
    google: "start",
    run: async (target: Target) => await use(target, change(tokenOf(await started(target)))),
  })),
  ...rewritten.map(([attack, change]) => ({
    attack: `a session's token ${attack}`,
    answer: "404 notFound",
    google: "start",
    run: async (target: Target) => {
      const token = tokenOf(await started(target));
      const url = `${UPLOAD}?${change(token)}`;
      return await ask(target, url, { method: "PUT", body: "x" });
    },
  })),
  {
    attack: "an expired session",
    answer: "410 gone",
    run: async (target) => {
      const sealer = sessionSealer([SESSION_SECRET]);
      const { t: sessionTarget, b: bucket, m: maxBytes } = PAYLOAD;
      const sealed = { target: sessionTarget, bucket, maxBytes, size: undefined, expires: 1e9 };
      return await use(target, await sealer.seal(sealed));
    },
  },
  {
    attack: "a cancelled session",
    answer: "499",
    google: "start, cancel, query",
    run: async (target) => {
      const url = await started(target);
      await outcome(await ask(target, url, { method: "DELETE" }));
      return await ask(target, url, { method: "PUT", body: "x" });
    },
  },
  {
    attack: "other bytes on a finished session",
    answer: "200",
    google: "start, chunk, query",
    stored: "a (5)",
    run: async (target) => {
      const url = await started(target);
      await outcome(await ask(target, url, { method: "PUT", body: "first" }));
      return await ask(target, url, { method: "PUT", body: "another" });
    },
  },
  {
    attack: "a `POST` without a range on a session, as a form would do",
    answer: "400 required",
    google: "start",
    run: async (target) => await ask(target, await started(target), { body: "x" }),
  },
  {
    attack: "a range that is stored, once more",
    answer: "308",
    google: "start, chunk",
    run: async (target) => {
      const url = await started(target);
      const chunk = {
        method: "PUT",
        headers: { "content-range": "bytes 0-262143/*" },
        body: "x".repeat(262_144),
      };
      await outcome(await ask(target, url, chunk));
      return await ask(target, url, chunk);
    },
  },
  {
    attack: "the whole object without a range, after a part of it",
    answer: "409 conflict",
    google: "start, chunk",
    run: async (target) => {
      const url = await started(target);
      const headers = { "content-range": "bytes 0-262143/*" };
      await outcome(await ask(target, url, { method: "PUT", headers, body: "x".repeat(262_144) }));
      return await ask(target, url, { method: "PUT", body: "y".repeat(300_000) });
    },
  },
  {
    attack: "a second session for the same name, after the first has finished",
    answer: "412 conditionNotMet",
    google: "start, start, chunk, chunk",
    stored: "a (5)",
    run: async (target) => {
      const [one, other] = [await started(target), await started(target)];
      await outcome(await ask(target, one, { method: "PUT", body: "first" }));
      return await ask(target, other, { method: "PUT", body: "another" });
    },
  },
  {
    attack: "`GET` on a session",
    answer: "405 methodNotAllowed",
    google: "start",
    run: async (target) => await ask(target, await started(target), { method: "GET" }),
  },
];
