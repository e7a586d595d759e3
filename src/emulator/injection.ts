/**
 * What an injected fault does to a request.
 *
 * @module
 */

import type { Fault } from "./faults.ts";
import type { Incoming } from "./incoming.ts";
import { InjectedCut } from "./incoming_body.ts";

/** Runs a request with what a fault does to it; `pause` waits for as long as the fault says. */
export async function withFault(
  { body }: Incoming,
  fault: Fault | null,
  run: () => Promise<Response>,
  pause: () => Promise<void>,
): Promise<Response> {
  if (fault?.drop === "before") {
    await body.cancel();
    throw broken("before the request was read");
  }
  if (fault?.status !== undefined && fault.afterBytes === undefined) {
    await body.cancel();
    return injectedReply(fault.status, fault.headers, fault.body);
  }
  if (fault?.stall !== undefined) body.pauseAfter(fault.stall, pause);
  const cutAt = fault?.cut ?? (fault?.status === undefined ? undefined : fault.afterBytes);
  if (cutAt === undefined) {
    const response = await run();
    if (fault?.drop === "after") throw broken("before the reply");
    return fault?.shorten === undefined ? response : shortened(response, fault.shorten);
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

async function shortened(response: Response, length: number): Promise<Response> {
  const whole = new Uint8Array(await response.arrayBuffer());
  const headers = new Headers(response.headers);
  headers.set("content-length", String(Math.min(length, whole.length)));
  const body = whole.length === 0 ? null : whole.slice(0, length);
  return new Response(body, { status: response.status, headers });
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
