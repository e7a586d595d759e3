// Hostile requests with tickets that are none, or do not cover what is asked for.

import { SignJWT } from "jose";
import { signUploadTicket, type UploadGrant } from "../../../src/worker.ts";
import { ask, TICKET_SECRET } from "../support.ts";
import type { Hostile, Target } from "./case.ts";

const soon = () => Math.floor(Date.now() / 1000) + 600;

/** Uploads one byte with that `Authorization`. */
const withHeader = (authorization?: string) => (target: Target): Promise<Response> =>
  ask(target, "?uploadType=media&name=a", {
    body: "x",
    grant: null,
    headers: authorization === undefined ? {} : { authorization },
  });

/** Uploads one byte with a ticket of these claims, signed as they should be. */
const withClaims = (claims: Record<string, unknown>) => async (target: Target) => {
  const ticket = await new SignJWT({ sub: "user-17", exp: soon(), ...claims })
    .setProtectedHeader({ alg: "HS256" })
    .sign(new TextEncoder().encode(TICKET_SECRET));
  return await withHeader(`Bearer ${ticket}`)(target);
};

/** Uploads one byte, with what the ticket allows and what is asked for. */
const beyond = (grant: UploadGrant, query: string, headers: Record<string, string> = {}) => {
  return (target: Target): Promise<Response> =>
    ask(target, `?uploadType=media&${query}`, { body: "x", grant, headers });
};

const base64 = (value: unknown) =>
  btoa(JSON.stringify(value)).replaceAll("=", "").replaceAll("+", "-").replaceAll("/", "_");

const unauthorized: Hostile[] = [
  { attack: "no ticket", run: withHeader() },
  { attack: "`Basic` credentials", run: withHeader("Basic dXNlcjpwYXNzd29yZA==") },
  {
    attack: "a ticket in the parameter `access_token`",
    run: async (target: Target) => {
      const ticket = await signUploadTicket(TICKET_SECRET, { subject: "user-17", prefix: "" }, {
        expiresIn: 600,
      });
      const query = `?uploadType=media&name=a&access_token=${ticket}`;
      return await ask(target, query, { body: "x", grant: null });
    },
  },
  {
    attack: "a ticket signed with another secret",
    run: async (target: Target) => {
      const grant = { subject: "user-17", prefix: "" };
      const ticket = await signUploadTicket("another secret, which has more than 32 bytes", grant, {
        expiresIn: 600,
      });
      return await withHeader(`Bearer ${ticket}`)(target);
    },
  },
  {
    attack: "a ticket with other claims than were signed",
    run: async (target: Target) => {
      const grant = { subject: "user-17", prefix: "users/17/" };
      const ticket = await signUploadTicket(TICKET_SECRET, grant, { expiresIn: 600 });
      const [head, , signature] = ticket.split(".");
      const claims = base64({ sub: "user-17", prefix: "", exp: soon() });
      return await withHeader(`Bearer ${head}.${claims}.${signature}`)(target);
    },
  },
  {
    attack: "a ticket with `alg: none`",
    run: (target: Target) => {
      const claims = { sub: "user-17", prefix: "", exp: soon() };
      return withHeader(`Bearer ${base64({ alg: "none" })}.${base64(claims)}.`)(target);
    },
  },
  ...[["none last", '"alg":"HS256","alg":"none"'], ["none first", '"alg":"none","alg":"HS256"']]
    .map(
      ([attack, algorithms]) => ({
        attack: `a ticket with \`alg\` twice, ${attack}`,
        run: (target: Target) => {
          const claims = base64({ sub: "user-17", prefix: "", exp: soon() });
          const head = btoa(`{${algorithms}}`).replaceAll("=", "");
          return withHeader(`Bearer ${head}.${claims}.`)(target);
        },
      }),
    ),
  { attack: "an expired ticket", run: withClaims({ prefix: "", exp: 1_000_000_000 }) },
  { attack: "a ticket that does not expire", run: withClaims({ prefix: "", exp: undefined }) },
  { attack: "a ticket that is not valid yet", run: withClaims({ prefix: "", nbf: soon() }) },
  { attack: "a ticket for nobody (no `sub`)", run: withClaims({ prefix: "", sub: undefined }) },
  {
    attack: "a ticket with a limit that is misspelt (`maxBytes`)",
    run: withClaims({ prefix: "", maxBytes: 1 }),
  },
  { attack: "a ticket for ten years", run: withClaims({ prefix: "", exp: soon() + 315_360_000 }) },
  {
    attack: "a ticket for a week, signed in milliseconds",
    run: withClaims({ prefix: "", exp: soon() + 600_000, iat: soon() }),
  },
  {
    attack: "a ticket that opens a reserved key",
    run: withClaims({ prefix: "", fields: ["metadata.firebaseStorageDownloadTokens"] }),
  },
  {
    attack: "a ticket with `max_bytes` as text",
    run: withClaims({ prefix: "", max_bytes: "1000000" }),
  },
].map((hostile) => ({ ...hostile, answer: "401 authError" }));

const forbidden: Hostile[] = [
  { attack: "a ticket without `object` and `prefix`", run: withClaims({}) },
  { attack: "an ID token, with the person's `name`", run: withClaims({ name: "a" }) },
  { attack: "a ticket for another bucket", run: beyond({ prefix: "", bucket: "other" }, "name=a") },
  { attack: "a ticket for another object", run: beyond({ name: "b" }, "name=a") },
  { attack: "a name outside the ticket's prefix", run: beyond({ prefix: "b/" }, "name=a") },
  {
    attack: "the prefix in other letters (`Users/17/x`)",
    run: beyond({ prefix: "users/17/" }, "name=Users/17/x"),
  },
  {
    attack: "`..` in a name below a prefix",
    run: beyond({ prefix: "users/17/" }, "name=users/17/../18/x"),
  },
  {
    attack: "`..` with backslashes in a name below a prefix",
    run: beyond({ prefix: "users/17/" }, String.raw`name=users/17/..\..\18\x`),
  },
  {
    attack: "`..` in a name, percent-encoded twice",
    run: beyond({ prefix: "users/17/" }, "name=users/17/%25252e%25252e/18/x"),
  },
  {
    attack: "`..` in a name, in full-width characters",
    run: beyond({ prefix: "users/17/" }, "name=users/17/%EF%BC%8E%EF%BC%8E/18/x"),
  },
  {
    attack: "a name with characters that are not seen",
    run: beyond({ prefix: "" }, "name=a%E2%80%8B"),
  },
  {
    attack: "another media type than the ticket's",
    run: beyond({ prefix: "", contentTypes: ["image/*"] }, "name=a", {
      "content-type": "text/html",
    }),
  },
  {
    attack: "`ifGenerationMatch=7`, to overwrite",
    run: beyond({ prefix: "" }, "name=a&ifGenerationMatch=7"),
  },
  {
    attack: "a ticket that sets a media type beyond `ALLOWED_CONTENT_TYPES`",
    options: { contentTypes: ["image/*"] },
    run: beyond({ prefix: "", metadata: { contentType: "text/html" } }, "name=a", {
      "content-type": "image/png",
    }),
  },
].map((hostile) => ({ ...hostile, answer: "403 forbidden" }));

/** Tickets that are none, or that do not cover what is asked for. */
export const tickets: readonly Hostile[] = [
  ...unauthorized,
  ...forbidden,
  {
    attack: "more bytes declared than the ticket allows",
    answer: "413 uploadTooLarge",
    run: (target) =>
      ask(target, "?uploadType=resumable&name=a", {
        grant: { prefix: "", maxBytes: 10 },
        headers: { "x-upload-content-length": "11" },
      }),
  },
  {
    attack: "a name that exists already",
    answer: "412 conditionNotMet",
    google: "object, object",
    stored: "a (5)",
    run: async (target) => {
      await ask(target, "?uploadType=media&name=a", { body: "first" });
      return await ask(target, "?uploadType=media&name=a", { body: "second" });
    },
  },
  {
    attack: "a ticket that sets a media type with CR LF",
    answer: "400 invalid",
    run: beyond({ prefix: "", metadata: { contentType: "image/png\r\n\r\nmore" } }, "name=a"),
  },
  {
    attack: "a ticket that sets another bucket in the metadata",
    answer: "400 invalid",
    run: beyond({ prefix: "", metadata: { bucket: "other-bucket" } }, "name=a"),
  },
];
