import { assertEquals } from "@std/assert";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { ask, outcome, setup } from "./support.ts";

const { privateKey, publicKey } = await generateKeyPair("ES256");
const keys = { keys: [{ ...await exportJWK(publicKey), kid: "one", alg: "ES256" }] };
const tickets = {
  jwksUrl: "https://keys.example/jwks.json",
  issuer: "https://login.example",
  audience: "uploads",
  fetch: () => Promise.resolve(Response.json(keys)),
};

async function signed(claims: JWTPayload): Promise<string> {
  return await new SignJWT({
    iss: tickets.issuer,
    aud: tickets.audience,
    sub: "user-17",
    exp: Math.floor(Date.now() / 1000) + 600,
    ...claims,
  }).setProtectedHeader({ alg: "ES256", kid: "one" }).sign(privateKey);
}

// OpenID Connect Core 5.1: `name` is the full name of the user, who may often change it.
Deno.test("an ordinary ID token, whose `name` is a person's, is no ticket for an object of that name", async () => {
  const context = setup({ tickets });
  const token = await signed({ name: "Jane Doe", email: "jane@example.com", nonce: "n" });
  const response = await ask(context, "?uploadType=media&name=Jane%20Doe", {
    body: "x",
    grant: null,
    headers: { authorization: `Bearer ${token}` },
  });
  assertEquals([response.status, context.gcs.objects.length], [403, 0]);
});

Deno.test("a ticket without somebody it is for is refused", async () => {
  const context = setup({ tickets });
  const token = await signed({ sub: "", prefix: "" });
  const response = await ask(context, "?uploadType=media&name=a", {
    body: "x",
    grant: null,
    headers: { authorization: `Bearer ${token}` },
  });
  assertEquals(await outcome(response), "401 authError");
});
