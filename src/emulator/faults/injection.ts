/**
 * What an injected fault does to a request.
 *
 * @module
 */

import type { Fault } from "./faults.ts";
import type { Incoming } from "../incoming.ts";
import { InjectedCut } from "../incoming_body.ts";
import { errorBody, type ErrorForm, type Refusal } from "../emulator_replies.ts";

type InjectedReply = Fault & { readonly status: number };

/** What a fault needs of the request that it hits. */
export interface Hit {
  readonly incoming: Incoming;
  /** What the errors of the request's API look like. */
  readonly errors: ErrorForm;
  /** Processes the request. */
  run(): Promise<Response>;
  /** Waits for as long as the fault says. */
  pause(): Promise<void>;
  /** Where the session of the request stands. */
  progress(): Response;
}

/** Runs a request with what a fault does to it. */
export async function withFault(fault: Fault | null, hit: Hit): Promise<Response> {
  const { body, signal } = hit.incoming;
  if (fault?.hang === "before") return never(signal);
  if (fault?.drop === "before") {
    body.cancel();
    throw broken("before the request was read");
  }
  if (fault?.status !== undefined && fault.afterBytes === undefined) {
    body.cancel();
    return injectedReply(fault, hit.errors);
  }
  if (fault?.stall !== undefined) body.pauseAfter(fault.stall, hit.pause);
  const cutAt = fault?.cut ?? fault?.early ??
    (fault?.status === undefined ? undefined : fault.afterBytes);
  if (cutAt !== undefined) body.cutAfter(cutAt);
  const response = await unlessCut(hit.run);
  // A request that is refused without a look at its body is hit all the same.
  if (response === null || cutAt !== undefined) {
    if (fault?.status !== undefined) return injectedReply(fault, hit.errors);
    if (fault?.early !== undefined) return response ?? hit.progress();
    throw broken("in the middle of the body");
  }
  if (fault?.drop === "after") throw broken("before the reply");
  if (fault?.hang === "after") return never(signal);
  return fault?.shorten === undefined ? response : shortened(response, fault.shorten);
}

/** The reply to a request, or `null` if its body was cut. */
async function unlessCut(run: () => Promise<Response>): Promise<Response | null> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof InjectedCut) return null;
    throw error;
  }
}

/** Waits for the abort of a request that gets no reply. */
export function never(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

async function shortened(response: Response, length: number): Promise<Response> {
  const whole = new Uint8Array(await response.arrayBuffer());
  const headers = new Headers(response.headers);
  headers.set("content-length", String(Math.min(length, whole.length)));
  const body = whole.length === 0 ? null : whole.slice(0, length);
  return new Response(body, { status: response.status, headers });
}

function injectedReply(fault: InjectedReply, form: ErrorForm): Response {
  const { status } = fault;
  const bodiless = status === 204 || status === 205 || status === 304;
  const bytes = new TextEncoder().encode(bodiless ? "" : injectedBody(fault, form));
  const reply = new Response(bodiless ? null : bytes, {
    status,
    ...(fault.headers && { headers: fault.headers }),
  });
  if (!bodiless) reply.headers.set("content-length", String(bytes.length));
  if (!reply.headers.has("content-type")) {
    const json = form === "xml" ? "application/xml" : "application/json";
    const type = fault.reason === undefined ? "text/html" : json;
    reply.headers.set("content-type", `${type}; charset=UTF-8`);
  }
  return reply;
}

function injectedBody({ status, reason, body }: InjectedReply, form: ErrorForm): string {
  if (reason === undefined) return body ?? "";
  return errorBody(injectedRefusal(status, reason), form);
}

/** A refusal that a fault asks for. */
export function injectedRefusal(code: number, reason = "badRequest"): Refusal {
  return { code, reason, xmlCode: reason, message: `Injected: ${reason}` };
}

/** Sets or takes away headers of a reply. */
export function rewriteHeaders(headers: Headers, changes: Fault["rewrite"] = {}): void {
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) headers.delete(name);
    else headers.set(name, value);
  }
}

function broken(when: string): TypeError {
  return new TypeError(`fetch failed: an injected fault broke the connection ${when}`);
}
