/** What your server has, beside Vite's in development: tickets, and the upload proxy with an emulated Google behind it. */

import { Buffer } from "node:buffer";
import process from "node:process";
import { GcsEmulator } from "@resumable-media/upload/emulator";
import { serveEmulator } from "@resumable-media/upload/emulator/serve";
import { createUploadProxy, signUploadTicket } from "@resumable-media/upload/worker";

const bucket = "my-bucket";
const secret = () => Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("base64url");

/** Answers `/ticket` and `/upload/…`. GCS_ENDPOINT is another emulator than the one in this process. */
function backend(endpoint = process.env.GCS_ENDPOINT) {
  const google = endpoint ? fetch : new GcsEmulator().fetch;
  const ticketSecret = secret();
  const proxy = createUploadProxy({
    transport: google,
    fetch: google,
    endpoint,
    bucket,
    sessionSecrets: [secret()],
    tickets: { secret: ticketSecret },
  });
  return async (input, init) => {
    const request = new Request(input, init);
    if (new URL(request.url).pathname !== "/ticket") return await proxy.fetch(request);
    // Here you look who it is. A name of its own for each upload: nothing is overwritten, and nothing refused for it.
    const name = `users/17/${crypto.randomUUID()}/${(await request.json()).name}`;
    const claims = { subject: "user-17", name, maxBytes: 5_000_000_000 };
    const ticket = await signUploadTicket(ticketSecret, claims, { expiresIn: 300 });
    return Response.json({ ticket, bucket, name });
  };
}

/** A plugin for Vite: `vite` and `vite preview` send these requests to the backend. */
export function uploadBackend() {
  return {
    name: "upload-backend",
    apply: "serve",
    async config() {
      const { origin } = await serveEmulator({ fetch: backend() }, { keepAlive: true });
      // The page's own address stays in `Host`, so that sessions are of the page's origin.
      const target = { target: origin, changeOrigin: false };
      const proxy = { "/ticket": target, "/upload/": target };
      return { server: { proxy }, preview: { proxy } };
    },
  };
}
