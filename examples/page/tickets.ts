/** The part that a real backend would have: it knows its users, and says what they may upload. */

import { signUploadTicket } from "@resumable-media/upload/worker";
import { objectName } from "./object_name.ts";
import type { TicketReply } from "./settings.ts";

/** How long a ticket can be used to start an upload, in seconds. A started upload goes on without it. */
const LIFETIME = 300;

/**
 * Answers `POST /ticket`. A real backend would look at its session cookie here, and refuse strangers; this one refuses
 * other sites only, which could otherwise have tickets made by whoever visits them.
 */
export async function answerTicket(
  request: Request,
  secret: string,
  bucket: string,
): Promise<Response> {
  if (request.method !== "POST") {
    return new Response(null, { status: 405, headers: { allow: "POST" } });
  }
  const origin = request.headers.get("origin");
  if (origin !== null && origin !== new URL(request.url).origin) {
    return refuse(403, "Tickets are for this site's own page");
  }
  const wish: unknown = await request.json().catch(() => undefined);
  const file = (wish as { name?: unknown } | undefined)?.name;
  if (typeof file !== "string") return refuse(400, 'Expected JSON such as {"name":"a.png"}');
  const name = objectName(file);
  const ticket = await signUploadTicket(
    secret,
    { subject: "visitor", name },
    { expiresIn: LIFETIME },
  );
  const reply: TicketReply = { ticket, bucket, name };
  return Response.json(reply, { headers: { "cache-control": "no-store" } });
}

function refuse(status: number, message: string): Response {
  return Response.json({ error: { code: status, message } }, { status });
}
