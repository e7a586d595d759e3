// Credentials: signing with the platform's WebCrypto, and which request carries a token over a real connection.

import { ResumableUpload, SimpleUpload, type Transport, UploadError } from "../../../mod.ts";
import {
  apiKeyTransport,
  externalAccountTransport,
  metadataServerTransport,
  type ServiceAccountKey,
  serviceAccountTransport,
  staticTokenTransport,
} from "../../../src/auth/mod.ts";
import type { RequestRecord } from "../../../src/emulator/mod.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import type { Context, PortableCase } from "../case.ts";
import { injectAt } from "./stretch_support.ts";
import { CHUNK, pattern } from "./upload_support.ts";

const OBJECTS = "https://storage.googleapis.com/upload/storage/v1/b/portable/o";
const IAM = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts";
const RSA = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
const EXPONENT = new Uint8Array([1, 0, 1]);

/** A key made by the platform, and the public key that checks what it signs. */
async function makeKey(): Promise<{ credentials: ServiceAccountKey; publicKey: CryptoKey }> {
  const { privateKey, publicKey } = await crypto.subtle.generateKey(
    { ...RSA, modulusLength: 2048, publicExponent: EXPONENT },
    true,
    ["sign", "verify"],
  ) as CryptoKeyPair;
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey("pkcs8", privateKey) as ArrayBuffer);
  const credentials = {
    type: "service_account",
    client_email: "uploader@my-project.iam.gserviceaccount.com",
    private_key_id: "4f2c",
    private_key: `-----BEGIN PRIVATE KEY-----\n${
      btoa(String.fromCharCode(...pkcs8))
    }\n-----END PRIVATE KEY-----\n`,
  };
  return { credentials, publicKey };
}

const bytesOf = (base64url: string) =>
  Uint8Array.from(
    atob(base64url.replaceAll("-", "+").replaceAll("_", "/")),
    (char) => char.charCodeAt(0),
  );

/** The claims of a JWT whose signature is right. */
async function verified(jwt: string, key: CryptoKey): Promise<Record<string, unknown>> {
  const [header, claims, signature] = jwt.split(".");
  const signed = new TextEncoder().encode(`${header}.${claims}`);
  assert(await crypto.subtle.verify(RSA, key, bytesOf(signature), signed), "a wrong signature");
  return JSON.parse(new TextDecoder().decode(bytesOf(claims)));
}

const tokenOf = ({ headers }: RequestInit) =>
  new Headers(headers).get("authorization")?.replace("Bearer ", "");

/** What the server saw of the requests for one object: what they were for, and whether with a token. */
async function seen({ origin }: Context, name: string): Promise<string[]> {
  const log: RequestRecord[] = await (await fetch(`${origin}/requests`)).json();
  const sessions = log.filter(({ url }) => new URL(url).searchParams.get("name") === name)
    .map(({ session }) => session);
  return log
    .filter((one) =>
      new URL(one.url).searchParams.get("name") === name ||
      (one.session !== null && sessions.includes(one.session))
    )
    .filter(({ kind }) => kind !== "other")
    .map(({ kind, headers }) => headers.authorization ? `${kind} with a token` : kind);
}

/** Credentials. */
export const auth: PortableCase[] = [
  {
    name: "auth: a self-signed token has the right signature and claims",
    async run() {
      const { credentials, publicKey } = await makeKey();
      const tokens: string[] = [];
      const transport = serviceAccountTransport(JSON.stringify(credentials), {
        fetch: (_, init) => Promise.resolve(new Response(tokens.push(tokenOf(init)!) + "")),
      });
      await Promise.all([transport(OBJECTS, {}), transport(OBJECTS, {})]);
      assertEquals(tokens[0], tokens[1], "the token of the second request");
      const { iss, sub, aud, scope, iat, exp } = await verified(tokens[0], publicKey);
      assertEquals([iss, sub, aud], [
        credentials.client_email,
        credentials.client_email,
        undefined,
      ]);
      assertEquals(scope, "https://www.googleapis.com/auth/devstorage.read_write");
      assertEquals(Number(exp) - Number(iat), 3600);
    },
  },
  {
    name: "auth: an assertion is exchanged for a token, once for two requests",
    async run() {
      const { credentials, publicKey } = await makeKey();
      const log: unknown[] = [];
      const transport = serviceAccountTransport(credentials, {
        token: "oauth",
        async fetch(input, init) {
          if (input.startsWith(OBJECTS)) return new Response(`${log.push(tokenOf(init))}`);
          const form = new URLSearchParams(init.body as string);
          log.push((await verified(form.get("assertion")!, publicKey)).aud);
          return Response.json({ access_token: "ya29.a0", expires_in: 3599, token_type: "Bearer" });
        },
      });
      await Promise.all([transport(OBJECTS, {}), transport(OBJECTS, {})]);
      assertEquals(log, ["https://oauth2.googleapis.com/token", "ya29.a0", "ya29.a0"]);
    },
  },
  {
    name: "auth: the metadata server is asked with its header, and must answer with it",
    async run() {
      for (const flavor of ["Google", "another"]) {
        const tokens: unknown[] = [];
        const fetch: Transport = (input, init) => {
          if (input.startsWith(OBJECTS)) {
            return Promise.resolve(new Response(`${tokens.push(tokenOf(init))}`));
          }
          assertEquals(new Headers(init.headers).get("metadata-flavor"), "Google");
          const headers = { "metadata-flavor": flavor };
          return Promise.resolve(
            Response.json({ access_token: "ya29.a0", expires_in: 9, token_type: "Bearer" }, {
              headers,
            }),
          );
        };
        const sending = metadataServerTransport({ fetch })(OBJECTS, {});
        if (flavor === "Google") await sending;
        else assertEquals((await assertRejects(sending, UploadError)).code, "invalid_response");
        assertEquals(tokens, flavor === "Google" ? ["ya29.a0"] : []);
      }
    },
  },
  {
    name: "auth: a workload elsewhere acts as a service account, by two exchanges",
    async run() {
      const log: unknown[] = [];
      const transport = externalAccountTransport({
        audience:
          "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/a/providers/b",
        subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
        service_account_impersonation_url: `${IAM}/a@b.iam.gserviceaccount.com:generateAccessToken`,
      }, {
        subjectToken: () => Promise.resolve("the platform's"),
        fetch(input, init) {
          log.push([new URL(input).hostname.split(".")[0], tokenOf(init)]);
          if (input.startsWith(OBJECTS)) return Promise.resolve(new Response("ok"));
          if (input.startsWith(IAM)) {
            const expireTime = new Date(Date.now() + 3_600_000).toISOString();
            return Promise.resolve(Response.json({ accessToken: "ya29.c", expireTime }));
          }
          log.push(new URLSearchParams(init.body as string).get("subject_token"));
          const token = { access_token: "ya29.d", expires_in: 3599, token_type: "Bearer" };
          return Promise.resolve(Response.json(token));
        },
      });
      await Promise.all([transport(OBJECTS, {}), transport(OBJECTS, {})]);
      assertEquals(log, [
        ["sts", undefined],
        "the platform's",
        ["iamcredentials", "ya29.d"],
        ["storage", "ya29.c"],
        ["storage", "ya29.c"],
      ]);
    },
  },
  {
    name: "auth: an API key goes into a header, and not to a session",
    async run() {
      const keys: unknown[] = [];
      const transport = apiKeyTransport("AIzaSyA", {
        fetch(_, { headers }) {
          keys.push(new Headers(headers).get("x-goog-api-key"));
          return Promise.resolve(new Response("ok"));
        },
      });
      const url = "https://generativelanguage.googleapis.com/upload/v1beta/files";
      for (const command of ["start", "upload", "upload, finalize", "query"]) {
        await transport(url, { method: "POST", headers: { "X-Goog-Upload-Command": command } });
      }
      await transport(OBJECTS, { method: "POST" });
      assertEquals(keys, ["AIzaSyA", null, null, null, null]);
    },
  },
  {
    name: "auth: no word of a key is in an error",
    async run() {
      const { credentials } = await makeKey();
      const { private_key } = credentials;
      const damaged = [
        private_key,
        JSON.stringify(credentials).slice(1),
        { ...credentials, private_key: private_key.replace("-----END", "----END") },
        { ...credentials, private_key: private_key.replace("\nMII", "\nAAA") },
      ];
      for (const key of damaged) {
        const create = async () => await serviceAccountTransport(key)(`${OBJECTS}?a`, {});
        const { message, stack, cause } = await assertRejects(create(), Error);
        const text = `${message} ${stack} ${cause}`;
        assert(!text.includes(private_key.slice(60, 90)), "the key is in the error");
      }
    },
  },
  {
    name:
      "over a connection: an upload sends its token once, after a 401 once more, and reads each 308",
    async run(context) {
      const { origin } = context;
      await injectAt(origin, { on: "initiate", status: 401 });
      let count = 0;
      const transport = staticTokenTransport(() => `token-${++count}`, { origins: [origin] });
      const url = `${origin}/upload/storage/v1/b/portable/o?uploadType=resumable&name=auth`;
      const upload = new ResumableUpload(url, CHUNK, { retry: null });
      await upload.initiate(transport, pattern(CHUNK + 5), {}, "a/b");
      while (!upload.finished) await upload.transmitNextChunk(transport);
      assertEquals(await seen(context, "auth"), [
        "initiate with a token",
        "initiate with a token",
        "chunk",
        "final",
      ]);
      assertEquals(count, 2, "tokens");
    },
  },
  {
    name:
      "over a connection: an upload in one long request sends its token, and its body as it is made",
    async run(context) {
      const { origin } = context;
      const bodies: unknown[] = [];
      const transport = staticTokenTransport("ya29.a0", {
        origins: [origin],
        fetch(input, init) {
          bodies.push(init.body);
          return fetch(input, init);
        },
      });
      const url = `${origin}/upload/storage/v1/b/portable/o?uploadType=media&name=auth-long`;
      const bytes = pattern(40 * CHUNK + 7); // more than is sent in one piece
      const source = {
        size: bytes.length,
        read: (offset: number, length: number) =>
          Promise.resolve(bytes.slice(offset, offset + length)),
      };
      const upload = new SimpleUpload(url, { retry: false });
      const reply = await upload.transmit(transport, source, "a/b");
      assertEquals(Number((await reply.json()).size), bytes.length, "size");
      assertEquals(await seen(context, "auth-long"), ["media with a token"]);
      // Browsers cannot stream a body over HTTP/1.1.
      const isStream = bodies.map((body) => body instanceof ReadableStream);
      assertEquals(isStream, [context.runtime !== "chromium"]);
    },
  },
  {
    name: "over a connection: an origin that is not named is sent no token",
    async run(context) {
      const transport = staticTokenTransport("ya29.a0");
      const url = `${context.origin}/upload/storage/v1/b/portable/o?uploadType=media&name=no-auth`;
      const reply = await transport(url, { method: "POST", body: "hello" });
      await reply.body?.cancel();
      assertEquals(await seen(context, "no-auth"), ["media"]);
    },
  },
];
