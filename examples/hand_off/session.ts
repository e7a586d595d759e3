/** What your server does: it opens a session for somebody who has no credentials. */

import { createUploadSession, type Transport } from "@resumable-media/upload";

/** Where sessions are opened, and with whose credentials. */
export interface Storage {
  readonly bucket: string;
  readonly endpoint?: string | undefined;
  readonly transport: Transport;
}

/** Answers `POST /session`. Who asks is for you to find out, before anything else. */
export async function openSession(request: Request, storage: Storage): Promise<Response> {
  const { type, size } = await request.json();
  if (!(size <= 1_000_000_000)) return new Response("too large\n", { status: 413 });
  const { url } = await createUploadSession({
    ...storage,
    name: `uploads/${crypto.randomUUID()}`,
    contentType: type || "application/octet-stream",
    totalBytes: size, // the session takes no other size
    ifGenerationMatch: 0,
    origin: request.headers.get("origin") ?? undefined, // whose pages may use it
  });
  return Response.json({ url });
}
