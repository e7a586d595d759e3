// A worker that has just started has nothing yet: keys and tokens are made by the first requests, which come together.
// In workerd one request cannot wait for what another one has asked for.

import { assertEquals } from "@std/assert";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { endAfterAll, type Place, rule, startSession } from "./support/rules.ts";
import { serviceAccount } from "./support/service_account.ts";

endAfterAll();

/** Starts ten uploads at once. */
async function startTogether(place: Pick<Place, "worker" | "ticket">): Promise<void> {
  const sessions = await Promise.all(Array.from({ length: 10 }, () => startSession(place)));
  assertEquals(new Set(sessions).size, 10);
}

const account = await serviceAccount();

rule("the first requests share the making of a token", startTogether, {
  settings: { GOOGLE_AUTH: undefined, GOOGLE_SERVICE_ACCOUNT: account.json },
  emulator: { authorize: account.authorize },
});

rule("a first request whose client has left takes nothing away from the next", async (place) => {
  const { worker, ticket, connect } = place;
  for (let i = 0; i < 3; i++) {
    const client = await connect();
    await client.head(
      "POST",
      `${worker.origin}/upload/storage/v1/b/bucket/o?uploadType=resumable`,
      {
        authorization: `Bearer ${ticket}`,
        "content-length": "100",
      },
    );
    client.leave();
  }
  await startTogether(place);
}, {
  settings: { GOOGLE_AUTH: undefined, GOOGLE_SERVICE_ACCOUNT: account.json },
  emulator: { authorize: account.authorize },
});

const { privateKey, publicKey } = await generateKeyPair("ES256");
const jwks = { keys: [{ ...await exportJWK(publicKey), kid: "1", alg: "ES256", use: "sig" }] };

rule(
  "the first requests have their tickets verified by the keys of a URL, fetched once",
  async (place) => {
    let fetched = 0;
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      () => {
        fetched++;
        return Response.json(jwks);
      },
    );
    try {
      const worker = await place.start({
        TICKET_SECRET: undefined,
        TICKET_JWKS_URL: `http://127.0.0.1:${server.addr.port}/jwks.json`,
        TICKET_ISSUER: "https://login.example",
        TICKET_AUDIENCE: "uploads",
      });
      const ticket = await new SignJWT({ prefix: "" })
        .setProtectedHeader({ alg: "ES256", kid: "1" })
        .setIssuer("https://login.example")
        .setAudience("uploads")
        .setSubject("somebody")
        .setIssuedAt()
        .setExpirationTime("10m")
        .sign(privateKey);
      await startTogether({ worker, ticket });
      assertEquals(fetched, 1);
    } finally {
      await server.shutdown();
    }
  },
);
