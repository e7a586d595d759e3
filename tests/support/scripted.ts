// A transport that gives scripted answers and notes what it was sent.

import type { Transport } from "../../mod.ts";

/** A request as a scripted transport saw it. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/** An answer: a response, an error to reject with, or a function of the request. */
export type Answer = Response | Error | ((request: Seen) => Response | Promise<Response>);

/** A transport that gives the answers in turn and notes the requests; one request too many is an error. */
export function scripted(
  ...answers: Answer[]
): { transport: Transport; seen: Seen[]; left: () => number } {
  const seen: Seen[] = [];
  const transport: Transport = async (url, init) => {
    const body = new Uint8Array(await new Response(init.body).arrayBuffer());
    const request = { method: init.method!, url, headers: new Headers(init.headers), body };
    seen.push(request);
    const answer = answers.shift();
    if (answer === undefined) throw new Error(`No answer is scripted for request ${seen.length}`);
    if (answer instanceof Error) throw answer;
    return typeof answer === "function" ? await answer(request) : answer;
  };
  return { transport, seen, left: () => answers.length };
}

export const SESSION_URL =
  "https://storage.googleapis.com/upload/storage/v1/b/my-bucket/o?upload_id=SECRET";

/** A session is open. */
export const started = (): Response => new Response(null, { headers: { location: SESSION_URL } });

/** 308 with so many bytes stored. */
export const stored = (bytes: number, headers: Record<string, string> = {}): Response =>
  new Response(null, {
    status: 308,
    headers: { ...(bytes > 0 && { range: `bytes=0-${bytes - 1}` }), ...headers },
  });

/** 200 with an object. */
export const finished = (object: Record<string, unknown> = {}): Response =>
  Response.json({ kind: "storage#object", ...object });
