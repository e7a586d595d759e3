// Tokens of the machine come from the metadata server, are asked for in its way, and are never sent to it.

import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { metadataServerTransport, UploadError } from "../../src/auth/mod.ts";
import { fakeClock } from "../support/fake_clock.ts";
import { assertNoSecret, failure, fakeFetch, OBJECTS, type Seen } from "./helpers.ts";

const TOKEN = "ya29.SECRET";
const URL_OF_TOKEN =
  "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token";
const FLAVOR = { "metadata-flavor": "Google" };

const granted = (expires_in = 3599, access_token = TOKEN): Response =>
  Response.json({ access_token, expires_in, token_type: "Bearer" }, { headers: FLAVOR });

/** A `fetch` with a metadata server that answers by a function; all else is "ok". */
function machine(answer: (index: number) => Response | Promise<Response> = () => granted()) {
  const clock = fakeClock();
  const asked: Seen[] = [];
  const { fetch, tokens } = fakeFetch((seen) =>
    seen.url.startsWith(OBJECTS) ? new Response("ok") : answer(asked.push(seen) - 1)
  );
  return {
    asked,
    clock,
    fetch,
    tokens: () => tokens().filter((token) => token !== undefined),
  };
}

Deno.test("the token is asked of the metadata server, with its header, and no redirect is followed", async () => {
  const { asked, fetch, tokens } = machine();
  await metadataServerTransport({ fetch })(OBJECTS, {});
  const [{ url, method, headers, init }] = asked;
  assertEquals([url, method, init.redirect, init.body], [URL_OF_TOKEN, "GET", "manual", null]);
  assertEquals([...headers], [["metadata-flavor", "Google"]]);
  assertEquals(tokens(), [TOKEN]);
});

Deno.test("the metadata server is never sent a token", async () => {
  const { asked, fetch } = machine();
  const transport = metadataServerTransport({ fetch });
  await transport(OBJECTS, {});
  await transport(URL_OF_TOKEN, {});
  assertEquals(asked.map(({ token }) => token), [undefined, undefined]);
});

const HOSTS: [host: string, origin: string][] = [
  ["169.254.169.254", "http://169.254.169.254"],
  ["127.0.0.1:8080", "http://127.0.0.1:8080"],
  ["metadata", "http://metadata"],
  ["[fd20:ce::254]:80", "http://[fd20:ce::254]"],
];

for (const [host, origin] of HOSTS) {
  Deno.test(`host: ${host} is asked at ${origin}`, async () => {
    const { asked, fetch } = machine();
    await metadataServerTransport({ fetch, host })(OBJECTS, {});
    assertEquals(new URL(asked[0].url).origin, origin);
  });
}

for (const host of ["", "http://a", "a/b", "a?b", "a@b", "a:port", "a b", "a:99999"]) {
  Deno.test(`host cannot be ${JSON.stringify(host)}`, async () => {
    const error = await failure(() => metadataServerTransport({ host }));
    assertInstanceOf(error, TypeError);
    assertStringIncludes(error.message, "host: expected");
  });
}

const SCOPES: [scopes: string[] | undefined, query: string][] = [
  [undefined, ""],
  [["a"], "?scopes=a"],
  [["https://a/b", "c"], "?scopes=https%3A%2F%2Fa%2Fb%2Cc"],
];

for (const [scopes, query] of SCOPES) {
  Deno.test(`scopes ${JSON.stringify(scopes)} are the query ${JSON.stringify(query)}`, async () => {
    const { asked, fetch } = machine();
    await metadataServerTransport({ fetch, scopes })(OBJECTS, {});
    assertEquals(new URL(asked[0].url).search, query);
  });
}

Deno.test("expires_in is believed, even if little life is left", async () => {
  const { asked, clock, fetch } = machine(() => granted(100));
  const transport = metadataServerTransport({ fetch, clock });
  await transport(OBJECTS, {});
  clock.pass(49_999);
  await transport(OBJECTS, {});
  assertEquals(asked.length, 1);
  clock.pass(40_001); // the last tenth
  await transport(OBJECTS, {});
  assertEquals(asked.length, 2);
});

Deno.test("after a 401 the server is asked again; the same token is not tried again", async () => {
  for (const tokens of [["a", "a"], ["a", "b"]]) {
    const clock = fakeClock();
    const { fetch, seen } = fakeFetch(({ url }) =>
      url === URL_OF_TOKEN ? granted(3599, tokens.shift()) : new Response(null, { status: 401 })
    );
    const repeated = tokens[0] !== tokens[1];
    const reply = await metadataServerTransport({ fetch, clock })(OBJECTS, {});
    assertEquals([reply.status, seen.length], [401, repeated ? 4 : 3]);
  }
});

for (const flavor of [undefined, "Other", "google"]) {
  Deno.test(`a reply with the flavor ${flavor} is not the metadata server's`, async () => {
    for (const status of [200, 404]) {
      const { asked, fetch } = machine(() => {
        const { body } = granted();
        return new Response(body, { status, headers: flavor ? { "metadata-flavor": flavor } : {} });
      });
      const error = await failure(metadataServerTransport({ fetch })(OBJECTS, {}));
      assert(error instanceof UploadError && error.code === "invalid_response", String(error));
      assertStringIncludes(error.message, "Metadata-Flavor: Google");
      assertNoSecret(error, TOKEN);
      assertEquals(asked.length, 1);
    }
  });
}

Deno.test("a machine without a service account is an error at once", async () => {
  const { asked, fetch } = machine(() => new Response("no", { status: 404, headers: FLAVOR }));
  const error = await failure(metadataServerTransport({ fetch })(OBJECTS, {}));
  assertEquals(error instanceof UploadError && error.code, "rejected");
  assertEquals(
    error.message,
    "Cannot get an access token from metadata.google.internal: expected a token, got 404",
  );
  assertEquals(asked.length, 1);
});

Deno.test("a metadata server that is busy is asked again, whatever its flavor", async () => {
  for (const headers of [{}, FLAVOR]) {
    const { asked, clock, fetch, tokens } = machine((index) =>
      index < 2 ? new Response(null, { status: 503, headers }) : granted()
    );
    await metadataServerTransport({ fetch, clock })(OBJECTS, {});
    assertEquals([asked.length, clock.sleeps, tokens()], [3, [500, 1000], [TOKEN]]);
  }
});

Deno.test("without a metadata server there is an error after 5 attempts, with the cause", async () => {
  const { asked, clock, fetch } = machine(() => Promise.reject(new TypeError("no such host")));
  const error = await failure(metadataServerTransport({ fetch, clock })(OBJECTS, {}));
  assertEquals(error instanceof UploadError && error.code, "transport_failed");
  assertStringIncludes(String(error.cause), "no such host");
  assertEquals(asked.length, 5);
});
