/**
 * A page that creates a file in Drive and updates it, with the user's own token; this server sees neither.
 *
 * ```sh
 * deno run --allow-all examples/drive/server.ts [PORT]
 * ```
 *
 * Without `GOOGLE_CLIENT_ID` (of an OAuth client of the kind "Web application", which names this origin) it goes to an emulated
 * Drive behind the same port.
 *
 * @module
 */

import { GcsEmulator } from "@resumable-media/upload/emulator";
import { servePage } from "../page_server.ts";

const clientId = Deno.env.get("GOOGLE_CLIENT_ID");
const gcs = new GcsEmulator({
  authorize: ({ headers }) => headers.get("authorization") === "Bearer emulated",
});

const { origin } = await servePage({
  folder: new URL("./", import.meta.url),
  port: Number(Deno.args[0] ?? 8000),
  answer: (request) => {
    if (new URL(request.url).pathname !== "/settings") {
      return gcs.fetch(request, { signal: null }); // Deno aborts it after each reply
    }
    const endpoint = clientId ? "https://www.googleapis.com" : new URL(request.url).origin;
    return Response.json({ endpoint, clientId });
  },
});
console.log(`${origin}/ uploads to ${clientId ? "Google" : "an emulated Drive"}`);
