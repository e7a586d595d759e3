/** `/ticket` beside the proxy of `emulator --proxy`: what a page asks its own server for, while there is none yet. */

import { randomUUID } from "node:crypto";
import { signUploadTicket, type UploadProxy } from "../worker.ts";

/** Who may ask, and what the answers are made of. */
export interface PageTicketOptions {
  /** The secret of the tickets. */
  readonly secret: string;
  /** Where the proxy uploads to. */
  readonly bucket: string;
  /** The pages that are answered. */
  readonly origins: readonly string[];
  /** Hears of a page that is not among them: the page itself is not told why. */
  onRefused(origin: string): void;
}

/** How long a ticket is good, in seconds. */
const EXPIRES_IN = 600;

/**
 * The proxy, with `POST /ticket` in front of it: `{"name": "photo.jpg"}` is answered with `{ ticket, bucket, name }`, where the name
 * is one of its own for each upload. Nobody is asked who he is, so this is for development only.
 */
export function withPageTickets(
  proxy: Pick<UploadProxy, "fetch">,
  options: PageTicketOptions,
): (request: Request) => Promise<Response> {
  return async (request) => {
    if (new URL(request.url).pathname !== "/ticket") return await proxy.fetch(request);
    const origin = request.headers.get("origin");
    if (origin !== null && !options.origins.includes(origin)) {
      options.onRefused(origin);
      return new Response(`Pages of ${origin} are not allowed: start with --allow-origin\n`, {
        status: 403,
      });
    }
    const response = await answer(request, options);
    if (origin !== null) response.headers.set("access-control-allow-origin", origin);
    response.headers.set("access-control-allow-headers", "content-type");
    response.headers.set("vary", "origin");
    return response;
  };
}

async function answer(request: Request, options: PageTicketOptions): Promise<Response> {
  if (request.method === "OPTIONS") return new Response(null, { status: 204 });
  if (request.method !== "POST") {
    return new Response("Send a POST\n", { status: 405, headers: { allow: "POST" } });
  }
  const body = await request.json().catch(() => null);
  if (typeof body?.name !== "string" || body.name === "") {
    return new Response('Expected a body such as {"name": "photo.jpg"}\n', { status: 400 });
  }
  const name = `users/me/${randomUUID()}/${body.name}`;
  const claims = { subject: "me", name };
  const ticket = await signUploadTicket(options.secret, claims, { expiresIn: EXPIRES_IN });
  return Response.json({ ticket, bucket: options.bucket, name });
}
