// Tokens that somebody else obtains: which values are tokens, when a function is asked, and what is refused.

import { assert, assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import { type AuthOptions, staticTokenTransport, UploadError } from "../../src/auth/mod.ts";
import { assertNoSecret, failure, fakeFetch, OBJECTS } from "./helpers.ts";

const TOKEN = "ya29.SECRET";

Deno.test("a token that is a string goes with every request", async () => {
  const { fetch, tokens } = fakeFetch();
  const transport = staticTokenTransport(TOKEN, { fetch });
  await transport(OBJECTS, {});
  await transport(OBJECTS, {});
  assertEquals(tokens(), [TOKEN, TOKEN]);
});

Deno.test("a function is asked before every request that needs a token", async () => {
  const answers: (string | Promise<string>)[] = ["a", Promise.resolve("b")];
  const { fetch, tokens } = fakeFetch();
  const transport = staticTokenTransport(() => answers.shift()!, { fetch });
  await transport("https://example.com/", {});
  await transport(OBJECTS, {});
  await transport(`${OBJECTS}?upload_id=a`, {});
  await transport(OBJECTS, {});
  assertEquals(tokens(), [undefined, "a", undefined, "b"]);
});

Deno.test("white space around a token does not count", async () => {
  const { fetch, tokens } = fakeFetch();
  await staticTokenTransport(`${TOKEN}\n`, { fetch })(OBJECTS, {});
  await staticTokenTransport(() => ` ${TOKEN}\r\n`, { fetch })(OBJECTS, {});
  assertEquals(tokens(), [TOKEN, TOKEN]);
});

const NOT_TOKENS: unknown[] = ["", " ", `Bearer ${TOKEN}`, "SECRET\r\nX-A: b", "SECRET…", null, 7];

for (const value of NOT_TOKENS) {
  Deno.test(`${JSON.stringify(value)} is no token, and is not in the error`, async () => {
    const early = await failure(() => staticTokenTransport(value as string));
    assertInstanceOf(early, TypeError);
    const { fetch, seen } = fakeFetch();
    const late = await failure(staticTokenTransport(() => value as string, { fetch })(OBJECTS, {}));
    assert(late instanceof UploadError && late.code === "rejected", String(late));
    for (const error of [early, late]) assertNoSecret(error, "SECRET");
    assertEquals(seen, []);
  });
}

Deno.test("a function may return an object with a token, as libraries for credentials do", async () => {
  const { fetch, tokens } = fakeFetch();
  await staticTokenTransport(() => Promise.resolve({ token: TOKEN }), { fetch })(OBJECTS, {});
  assertEquals(tokens(), [TOKEN]);
  for (const nothing of [undefined, null, {}, { token: null }]) {
    const error = await failure(staticTokenTransport(() => nothing, { fetch })(OBJECTS, {}));
    assert(error instanceof UploadError && error.code === "rejected", String(error));
  }
});

Deno.test("what google-auth-library returns for a token is taken", async () => {
  // The types of GoogleAuth.getAccessToken and of OAuth2Client.getAccessToken.
  const auth = (): Promise<string | null | undefined> => Promise.resolve("a");
  const client = (): Promise<{ token?: string | null; res?: { status: number } | null }> =>
    Promise.resolve({ token: "b", res: null });
  const { fetch, tokens } = fakeFetch();
  await staticTokenTransport(() => auth(), { fetch })(OBJECTS, {});
  await staticTokenTransport(() => client(), { fetch })(OBJECTS, {});
  assertEquals(tokens(), ["a", "b"]);
});

Deno.test("an option that does not exist is a TypeError", async () => {
  const options = { origin: "https://storage.googleapis.com" } as AuthOptions;
  const error = await failure(() => staticTokenTransport(TOKEN, options));
  assertInstanceOf(error, TypeError);
  assertEquals(error.message, "origin is not an option; expected fetch, origins");
});

Deno.test("no token at all is no token", async () => {
  assertInstanceOf(await failure(() => staticTokenTransport(undefined!)), TypeError);
});

for (const how of ["throws", "rejects"]) {
  Deno.test(`the error of a function that ${how} is the caller's own`, async () => {
    const own = new RangeError("signed out");
    const ask = () => {
      if (how === "throws") throw own;
      return Promise.reject(own);
    };
    const { fetch } = fakeFetch();
    assertStrictEquals(await failure(staticTokenTransport(ask, { fetch })(OBJECTS, {})), own);
  });
}

Deno.test("a function is not asked for a request that is aborted already", async () => {
  const reason = new RangeError("enough");
  const transport = staticTokenTransport(() => {
    throw new Error("asked");
  });
  const signal = AbortSignal.abort(reason);
  assertStrictEquals(await failure(transport(OBJECTS, { signal })), reason);
});
