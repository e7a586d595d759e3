/**
 * A transport of one's own: it adds a token to each request, and writes down what was answered.
 *
 * ```sh
 * deno run --allow-net=127.0.0.1 examples/custom_transport.ts
 * ```
 *
 * @module
 */

import { type Transport, upload } from "@resumable-media/upload";
import { GcsEmulator } from "@resumable-media/upload/emulator";
import { serveEmulator } from "@resumable-media/upload/emulator/serve";

/** Adds a token. It is asked for each request, so that it can be renewed. */
const authorized =
  (token: () => Promise<string>, transport: Transport): Transport => async (input, init) => {
    const headers = new Headers(init.headers);
    headers.set("authorization", `Bearer ${await token()}`);
    return await transport(input, { ...init, headers });
  };

/** Writes down each request. The URL of a session is a secret, so the query is left out. */
const logged = (transport: Transport): Transport => async (input, init) => {
  const range = new Headers(init.headers).get("content-range") ?? "";
  const response = await transport(input, init);
  console.log(`${init.method} ${new URL(input).pathname} ${range} → ${response.status}`);
  return response;
};

const server = await serveEmulator(
  new GcsEmulator({ authorize: ({ headers }) => headers.get("authorization") === "Bearer secret" }),
);
try {
  const object = await upload(new Blob(["hello ".repeat(100_000)]), {
    bucket: "my-bucket",
    name: "hello.txt",
    endpoint: server.origin,
    chunkSize: 262_144,
    transport: logged(authorized(() => Promise.resolve("secret"), fetch)),
  });
  console.log(`${object.name}: ${object.size} bytes`);
} finally {
  await server.close();
}
