// How long tickets and their sessions live, which can be signed, and which settings of the proxy are refused.

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { decodeJwt } from "jose";
import { sessionSealer } from "../../src/proxy/session_token.ts";
import { ticketVerifier } from "../../src/proxy/ticket.ts";
import {
  createUploadProxy,
  proxyOptions,
  SettingError,
  signUploadTicket,
} from "../../src/worker.ts";
import { ask, outcome, SESSION_SECRET, setup, start, TICKET_SECRET } from "./support.ts";

const GRANT = { subject: "user-17", prefix: "" };
const sign = (options: Record<string, unknown>, grant: Record<string, unknown> = {}) =>
  signUploadTicket(TICKET_SECRET, { ...GRANT, ...grant }, options as { expiresIn: number });

for (const expiresIn of [600_000, 86_401, 0, -1, NaN, Infinity, "600"]) {
  Deno.test(`expiresIn: ${expiresIn} is refused when it is signed: it is in seconds, up to a day`, async () => {
    const error = await assertRejects(() => sign({ expiresIn }));
    assertEquals((error as Error).name, "RangeError");
  });
}

for (const wrong of [{ max_bytes: 5 }, { maxBytes: "10MB" }, { maxbytes: 5 }, { expires: 5 }]) {
  Deno.test(`a ticket with ${JSON.stringify(wrong)} is refused when it is signed`, async () => {
    await assertRejects(() => sign({ expiresIn: 600 }, wrong), TypeError);
  });
}

Deno.test("an option of signing that nobody knows is an error", async () => {
  await assertRejects(() => sign({ expiresIn: 600, expires: 5 }), TypeError, "expires");
  await assertRejects(
    () => sign({ expiresIn: 600 }, { name: undefined, prefix: undefined }),
    TypeError,
    "expected name or prefix",
  );
  await assertRejects(() => sign(undefined as never), TypeError, "an object with expiresIn");
});

Deno.test("a ticket has everything that a verifier can demand", async () => {
  const claims = decodeJwt(
    await sign({ expiresIn: 600, issuer: "us", audience: "uploads", id: "one" }, {
      fields: ["metadata.author"],
      sessionTtl: 60,
      maxBytes: 5,
    }),
  );
  const { iat, exp, ...rest } = claims;
  assertEquals(exp! - iat!, 600);
  assertEquals(rest, {
    sub: "user-17",
    prefix: "",
    max_bytes: 5,
    fields: ["metadata.author"],
    session_ttl: 60,
    iss: "us",
    aud: "uploads",
    jti: "one",
  });
});

Deno.test("a setting caps the life of a ticket", async () => {
  const ticket = await sign({ expiresIn: 7200 });
  const verify = (maxAge?: number) => ticketVerifier({ secret: TICKET_SECRET, maxAge })(ticket);
  assertEquals((await verify()).subject, "user-17");
  const error = await assertRejects(() => verify(3600), Error, "more than 3600 seconds");
  assertEquals((error as { status?: number }).status, 401);
});

for (const part of ["issuer", "audience"]) {
  Deno.test(`keys of a URL without ${part} are refused, whatever the types say`, () => {
    const tickets = { jwksUrl: "https://keys.example/", issuer: "us", audience: "uploads" };
    const { [part as "issuer"]: _, ...rest } = tickets;
    const error = assertThrows(() => ticketVerifier(rest as typeof tickets), SettingError);
    assertEquals(error.setting, `TICKET_${part.toUpperCase()}`);
  });
}

/** How long a session lives that is started now, in seconds; sessions have their end in their tokens. */
async function lifeOf(ticket: Record<string, unknown>, options = {}): Promise<number> {
  const context = setup(options);
  const url = await start(context, "name=a", { grant: { prefix: "", ...ticket } });
  const token = new URL(url).searchParams.get("upload_id")!;
  const session = await sessionSealer([SESSION_SECRET]).open(token);
  if (typeof session === "string") throw new Error(session);
  return Math.round(session.expires - Date.now() / 1000);
}

Deno.test("a session outlives its ticket by a day", async () => {
  const life = await lifeOf({});
  assertEquals(Math.abs(life - (600 + 86_400)) <= 2, true, `${life}`);
});

Deno.test("a ticket may say how long its sessions live, and the proxy's own limit holds", async () => {
  const short = await lifeOf({ sessionTtl: 60 });
  const limited = await lifeOf({ sessionTtl: 5000 }, { sessionTtl: 1000 });
  assertEquals([Math.abs(short - 60) <= 2, Math.abs(limited - 1000) <= 2], [true, true]);
});

Deno.test("a limit that has become smaller holds for sessions that are open already", async () => {
  const before = setup();
  const url = await start(before);
  const { gcs } = before;
  const now = setup({ maxUploadBytes: 10, transport: gcs.fetch, fetch: gcs.fetch });
  const reply = await ask(now, url, { method: "PUT", body: "x".repeat(11) });
  assertEquals(await outcome(reply), "413 uploadTooLarge");
});

Deno.test("a bucket that is not allowed any more takes nothing of sessions that are open already", async () => {
  const url = await start(setup());
  const now = setup({ bucket: "other-bucket", buckets: ["other-bucket"] });
  assertEquals(await outcome(await ask(now, url, { method: "PUT", body: "x" })), "403 forbidden");
  assertEquals(now.sent.length, 0);
});

const settings = {
  GCS_BUCKET: "my-bucket",
  GCS_ENDPOINT: "http://127.0.0.1:1",
  GOOGLE_AUTH: "none",
  SESSION_SECRET,
  TICKET_SECRET,
};
const weak: readonly [rule: string, setting: string, own: Record<string, string>][] = [
  ["the example of a document", "SESSION_SECRET", {
    SESSION_SECRET: `${SESSION_SECRET}, AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8`,
  }],
  ["the example of a document", "TICKET_SECRET", {
    TICKET_SECRET: "0123456789abcdef0123456789abcdef",
  }],
  ["a byte that repeats", "TICKET_SECRET", { TICKET_SECRET: "x".repeat(40) }],
  ["a byte that repeats", "SESSION_SECRET", { SESSION_SECRET: "A".repeat(43) }],
  ["the same for both", "TICKET_SECRET", { TICKET_SECRET: SESSION_SECRET }],
];
for (const [rule, setting, own] of weak) {
  Deno.test(`a ${setting} that is ${rule} is refused`, () => {
    const make = () => createUploadProxy(proxyOptions({ ...settings, ...own }));
    assertEquals(assertThrows(make, SettingError).setting, setting);
  });
}

Deno.test("an option of the proxy that nobody knows is an error", () => {
  const options = { ...proxyOptions(settings), maxUploadByte: 5 };
  assertThrows(() => createUploadProxy(options), TypeError, "maxUploadByte");
});

Deno.test("a proxy without options, or without a list of secrets, is told what is missing", () => {
  assertThrows(() => createUploadProxy(undefined as never), TypeError, "expected options");
  const options = { ...proxyOptions(settings), sessionSecrets: SESSION_SECRET as never };
  assertThrows(() => createUploadProxy(options), TypeError, "sessionSecrets: expected a list");
});
