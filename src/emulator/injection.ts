/**
 * What an injected fault does to a request.
 *
 * @module
 */

import type { Fault } from "./faults.ts";
import type { Incoming } from "./incoming.ts";
import { InjectedCut } from "./incoming_body.ts";

/** Runs a request with what a fault does to it. */
export async function withFault(
  { body }: Incoming,
  fault: Fault | null,
  run: () => Promise<Response>,
): Promise<Response> {
  if (fault?.drop === "before") {
    await body.cancel();
    throw broken("before the request was read");
  }
  if (fault?.status !== undefined && fault.afterBytes === undefined) {
    await body.cancel();
    return injectedReply(fault.status, fault.headers, fault.body);
  }
  const cutAt = fault?.cut ?? (fault?.status === undefined ? undefined : fault.afterBytes);
  if (cutAt === undefined) {
    const response = await run();
    if (fault?.drop === "after") throw broken("before the reply");
    return response;
  }
  body.cutAfter(cutAt);
  try {
    await run();
  } catch (error) {
    if (!(error instanceof InjectedCut)) throw error;
  }
  if (fault?.status === undefined) throw broken("in the middle of the body");
  return injectedReply(fault.status, fault.headers, fault.body);
}

function injectedReply(
  status: number,
  headers: Readonly<Record<string, string>> = {},
  body = "",
): Response {
  const bodiless = status === 204 || status === 205 || status === 304;
  const bytes = new TextEncoder().encode(bodiless ? "" : body);
  const reply = new Response(bodiless ? null : bytes, { status, headers });
  if (!bodiless) reply.headers.set("content-length", String(bytes.length));
  if (!reply.headers.has("content-type")) {
    reply.headers.set("content-type", "text/html; charset=UTF-8");
  }
  return reply;
}

function broken(when: string): TypeError {
  return new TypeError(`fetch failed: an injected fault broke the connection ${when}`);
}
