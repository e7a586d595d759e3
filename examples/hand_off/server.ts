/**
 * A page that uploads straight to Cloud Storage, without credentials: the server hands it a session.
 *
 * ```sh
 * deno run --allow-all examples/hand_off/server.ts [PORT]
 * ```
 *
 * Without `GOOGLE_SERVICE_ACCOUNT` (the key, as JSON) and `BUCKET`, it goes to an emulator on this machine. The bucket's CORS
 * settings must name the page's origin: docs/protocol.md, "Browsers".
 *
 * @module
 */

import { serviceAccountTransport } from "@resumable-media/upload/auth";
import { GcsEmulator } from "@resumable-media/upload/emulator";
import { serveEmulator } from "@resumable-media/upload/emulator/serve";
import { servePage } from "../page_server.ts";
import { openSession, type Storage } from "./session.ts";

const key = Deno.env.get("GOOGLE_SERVICE_ACCOUNT");
const storage = key ? google(key) : await emulated();

function google(key: string): Storage {
  const bucket = Deno.env.get("BUCKET");
  if (!bucket) throw new TypeError("BUCKET: expected the name of a bucket, got none");
  return { bucket, transport: serviceAccountTransport(key) };
}

async function emulated(): Promise<Storage> {
  const { origin } = await serveEmulator(new GcsEmulator({ cors: { origins: ["*"] } }));
  return { bucket: "my-bucket", endpoint: origin, transport: fetch };
}

const { origin } = await servePage({
  folder: new URL("./", import.meta.url),
  port: Number(Deno.args[0] ?? 8000),
  answer: (request) =>
    request.method === "POST" && new URL(request.url).pathname === "/session"
      ? openSession(request, storage)
      : new Response("not found\n", { status: 404 }),
});
console.log(`${origin}/ uploads to ${storage.endpoint ?? "Google"}`);
