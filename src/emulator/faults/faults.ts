/**
 * What can go wrong on purpose.
 *
 * @module
 */

import { inRange, oneOf, onlyKnown } from "../option_checks.ts";
import type { FaultName, RequestKind, RequestRecord } from "../record.ts";

/** To which requests a fault applies, and how often. */
export interface FaultScope {
  /**
   * The kinds of request, or a function that picks them. A fault that makes no sense for a request is
   * never applied to it: `expire`, `refuse` and `move` need a session (`expire: 404` also a multipart upload), `corrupt` needs bytes that are stored, `early` needs bytes for a session.
   *
   * @default every request
   */
  readonly on?:
    | RequestKind
    | readonly RequestKind[]
    | ((request: RequestRecord) => boolean)
    | undefined;
  /**
   * How many matching requests to let through first, counted from the injection.
   *
   * @default 0
   */
  readonly skip?: number | undefined;
  /**
   * How many requests it applies to; `Infinity` for all that follow.
   *
   * @default 1
   */
  readonly times?: number | undefined;
  /**
   * How long the request waits before anything else happens, in milliseconds. It stops waiting when
   * the request is aborted. `Infinity` waits for nothing else.
   *
   * @default 0
   */
  readonly delay?: number | undefined;
}

/** What a fault can do to a request. */
export interface FaultActions {
  /**
   * The connection breaks: `fetch` rejects with a `TypeError`. `"before"`: nothing of the request has
   * been read. `"after"`: the request has been processed in full, and only its reply is lost.
   */
  readonly drop: "before" | "after";
  /**
   * The connection breaks after so many bytes of the body, or at its end if it is shorter: `fetch` rejects
   * with a `TypeError`. A session keeps the whole multiples of 256 KiB of what it got; any other upload, and
   * a part, keeps nothing.
   */
  readonly cut: number;
  /** Another reply instead of the real one: its status, 200 to 599. See {@linkcode StatusReply}. */
  readonly status: number;
  /**
   * The reply comes after so many bytes of the body (at its end, if it is shorter), and the rest is not read: the 308 of a
   * chunk, with the `Range` of what is stored by then, in whole multiples of 256 KiB. Nothing is finished.
   */
  readonly early: number;
  /**
   * No reply ever comes, and the connection does not break: `fetch` settles when the request is aborted. `"before"`: nothing
   * of the request has been read. `"after"`: it has been processed in full.
   */
  readonly hang: "before" | "after";
  /**
   * The reply is the real one, but its body ends after so many bytes, as if that were all.
   */
  readonly shorten: number;
  /**
   * The request waits for `delay` in the middle: after so many bytes of the body, which a session has then, in whole
   * multiples of 256 KiB, even if the client waits no longer. With `delay: Infinity` it reads no more: the connection breaks
   * when the next request comes on the session.
   */
  readonly stall: number;
  /**
   * The upload is refused for good: this request and all that follow on the session get that status, 400 to 599, in
   * `X-Goog-Upload` with the status `final`. With `reason`, the body is Google's error.
   */
  readonly refuse: number;
  /**
   * The reply is the real one with these headers; `null` takes one away, as a proxy on the way might: the
   * `x-goog-upload-status` for instance.
   */
  readonly rewrite: Readonly<Record<string, string | null>>;
  /**
   * The session moves: a 308 to this request has the new URL in `Location`, and the old URL is a 404 from now on. It does not
   * apply to `X-Goog-Upload`.
   */
  readonly move: true;
  /**
   * The session ends: this request and all that follow on it get that status. With 404 also a multipart upload of the XML API,
   * as if a lifecycle rule had removed it.
   */
  readonly expire: 404 | 410;
  /**
   * One bit of the first byte that the request stores is flipped on its way in. All checksums that the
   * emulator reports are those of the changed bytes.
   */
  readonly corrupt: true;
}

/** The rest of an injected reply. */
export interface StatusReply {
  /**
   * How many bytes of the body are read first (all, if it has fewer), of which a session keeps the whole
   * multiples of 256 KiB.
   *
   * @default nothing of the request is read
   */
  readonly afterBytes?: number | undefined;
  /** Headers of the reply, `retry-after` for instance. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /**
   * The body of the reply, as text.
   *
   * @default ""
   */
  readonly body?: string | undefined;
  /**
   * Instead of `body`: the reply is an error in Google's form, JSON or XML as the API of the request has it, with this reason:
   * `userRateLimitExceeded` for instance, or `SlowDown` as the `Code` of XML.
   */
  readonly reason?: string | undefined;
}

/** One of the actions, and none of the others. */
export type OneAction<A extends keyof FaultActions> =
  & Pick<FaultActions, A>
  & { readonly [other in Exclude<keyof FaultActions, A>]?: undefined };

/**
 * Something that goes wrong on purpose: one action, or only a delay, and the requests it applies to.
 *
 * @example
 * ```ts
 * import type { Fault } from "@resumable-media/upload/emulator";
 *
 * const faults: Fault[] = [
 *   { on: "chunk", cut: 300_000 }, // 262144 bytes are kept
 *   { on: "final", drop: "after" }, // finished, but the client is not told
 *   { on: ["chunk", "final"], skip: 2, times: 3, status: 503, headers: { "retry-after": "1" } },
 *   { on: "chunk", early: 1_048_576 }, // the 308 comes after 1 MiB, and no more is read
 *   { on: "final", hang: "after" }, // finished, and no reply ever comes
 *   { on: "initiate", status: 403, reason: "userRateLimitExceeded" },
 * ];
 * ```
 */
export type Fault =
  & FaultScope
  & (
    | OneAction<"drop">
    | OneAction<"cut">
    | (OneAction<"status"> & StatusReply)
    | OneAction<"expire">
    | OneAction<"corrupt">
    | OneAction<"shorten">
    | OneAction<"early">
    | (OneAction<"refuse"> & Pick<StatusReply, "reason">)
    | OneAction<"rewrite">
    | OneAction<"move">
    | OneAction<"hang">
    | (OneAction<"stall"> & { readonly delay: number })
    | (OneAction<never> & { readonly delay: number })
  );

const ACTIONS = [
  "drop",
  "cut",
  "status",
  "expire",
  "corrupt",
  "shorten",
  "stall",
  "early",
  "hang",
  "refuse",
  "rewrite",
  "move",
] as const;
const SCOPE = ["on", "skip", "times", "delay"] as const;
const REPLY = ["afterBytes", "headers", "body", "reason"] as const;
const KINDS: Readonly<Record<RequestKind, true>> = {
  initiate: true,
  chunk: true,
  final: true,
  status: true,
  finalize: true,
  cancel: true,
  media: true,
  multipart: true,
  part: true,
  complete: true,
  abort: true,
  "list parts": true,
  "list uploads": true,
  compose: true,
  get: true,
  list: true,
  patch: true,
  delete: true,
  other: true,
};
const SESSION_KINDS: readonly RequestKind[] = ["chunk", "final", "status", "finalize", "cancel"];
/** Requests on a multipart upload of the XML API. */
const PARTS_KINDS: readonly RequestKind[] = ["part", "list parts", "complete", "abort"];
const STORING_KINDS: readonly RequestKind[] = ["chunk", "final", "media", "multipart", "part"];
const SENDING_KINDS: readonly RequestKind[] = ["chunk", "final"];

/** What the log calls a fault. */
export function faultName(fault: Fault): FaultName {
  if (fault.drop !== undefined) return `drop ${fault.drop}`;
  if (fault.hang !== undefined) return `hang ${fault.hang}`;
  return ACTIONS.find((action) => fault[action] !== undefined) as FaultName ?? "delay";
}

/** Whether a fault applies to a request, but for `skip` and `times`. */
export function matches(fault: Fault, request: RequestRecord): boolean {
  const ends = fault.expire ?? fault.refuse ?? fault.move;
  if (ends !== undefined && !SESSION_KINDS.includes(request.kind)) {
    // A multipart upload has no 410, and nothing but its end.
    if (fault.expire !== 404 || !PARTS_KINDS.includes(request.kind)) return false;
  }
  if (fault.corrupt !== undefined && !STORING_KINDS.includes(request.kind)) return false;
  if (fault.early !== undefined && !SENDING_KINDS.includes(request.kind)) return false;
  if (fault.move && request.headers["x-goog-upload-command"] !== undefined) return false;
  const { on } = fault;
  if (on === undefined) return true;
  if (typeof on === "function") return on(request);
  return typeof on === "string" ? on === request.kind : on.includes(request.kind);
}

/**
 * Checks a fault that came from outside.
 *
 * @throws {TypeError} if it has no action, more than one, or a property that means nothing.
 * @throws {RangeError} if a number in it cannot be.
 */
export function checkFault(fault: Fault): void {
  onlyKnown("A fault", fault, [...SCOPE, ...ACTIONS, ...REPLY]);
  const actions = ACTIONS.filter((action) => fault[action] !== undefined);
  if (actions.length > 1) {
    throw new TypeError(`A fault has one action, but this has ${actions.join(" and ")}`);
  }
  if (actions.length === 0 && fault.delay === undefined) {
    throw new TypeError(`A fault needs an action: delay, ${ACTIONS.join(", ")}`);
  }
  const lost = REPLY.find((name) => fault.status === undefined && name in fault);
  if (lost !== undefined && !(lost === "reason" && fault.refuse !== undefined)) {
    throw new TypeError(`A fault with ${lost} needs the action that it belongs to: status`);
  }
  if (fault.stall !== undefined && fault.delay === undefined) {
    throw new TypeError("A fault with stall needs delay: how long it waits");
  }
  const kinds = typeof fault.on === "function" ? [] : [fault.on].flat();
  for (const kind of kinds) oneOf("on", kind, Object.keys(KINDS));
  oneOf("drop", fault.drop, ["before", "after"]);
  oneOf("hang", fault.hang, ["before", "after"]);
  if (fault.status !== undefined && fault.reason !== undefined && fault.body !== undefined) {
    throw new TypeError("An injected reply has a body or a reason, not both");
  }
  if (fault.expire !== undefined && fault.expire !== 404 && fault.expire !== 410) {
    throw new RangeError(`expire must be 404 or 410, not ${fault.expire}`);
  }
  inRange("status", fault.status, 200, 599);
  inRange("refuse", fault.refuse, 400, 599);
  inRange("cut", fault.cut, 0);
  inRange("shorten", fault.shorten, 0);
  inRange("stall", fault.stall, 0);
  inRange("early", fault.early, 0);
  inRange("afterBytes", fault.status === undefined ? undefined : fault.afterBytes, 0);
  inRange("skip", fault.skip, 0);
  if (fault.delay !== Infinity) inRange("delay", fault.delay, 0);
  if (fault.times !== Infinity) inRange("times", fault.times, 1);
}
