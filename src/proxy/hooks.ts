/** What the operator's own code hears of uploads, and may say to them. */

import { within } from "../net/clock.ts";
import { badGateway, HttpError } from "./http_error.ts";
import { insist } from "./try_again.ts";
import type { FinishedObject } from "./outcome.ts";

/** Who an upload is for. */
export interface UploadParty {
  /** Who the grant is for. */
  readonly subject: string | undefined;
  /** What the grant carries for the operator's code. */
  readonly payload: unknown;
}

/** An upload that is about to start; everything in it has been checked. */
export interface StartEvent extends UploadParty {
  /** How the bytes will come. */
  readonly uploadType: "resumable" | "media" | "multipart";
  /** The name of the backend, where it is another one than Cloud Storage. */
  readonly backend?: string | undefined;
  /** The bucket; empty where the backend has none. */
  readonly bucket: string;
  /** The name of the object. */
  readonly name: string;
  /** Its media type. */
  readonly contentType: string;
  /** In bytes, where the client has declared it. */
  readonly size: number | undefined;
  /** The object resource that goes to Google: what the client has set, and what the grant does. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** The request. Its body is not for the hook. */
  readonly request: Request;
}

/** What a start is changed to. */
export interface StartDecision {
  /** Another name for the object: no longer bound to what the grant covers. */
  name?: string | undefined;
  /** Fields of the object resource, on top of the others. The client is not shown them. */
  metadata?: Readonly<Record<string, unknown>> | undefined;
}

/** A request that is about to be done; of a session, or one that starts an upload. */
export interface RequestEvent extends UploadParty {
  /** As in the log: `start`, `media`, `multipart`, `chunk`, `status`, `finish` or `cancel`. */
  readonly event: string;
  /** The name of the backend, where it is another one than Cloud Storage. */
  readonly backend?: string | undefined;
  /** The bucket; empty where the backend has none. */
  readonly bucket: string;
  /** The name of the session in the log; `undefined` for requests that start an upload. */
  readonly session: string | undefined;
  /** Bytes of the request's body, where they are known beforehand. */
  readonly bytes: number | undefined;
  /** The request. Its body is not for the hook. */
  readonly request: Request;
}

/** An object or a file that is there, as its API has said. */
export interface FinishEvent extends UploadParty {
  /** The same for every event of this object: made of bucket, name and generation. */
  readonly id: string;
  /** The name of the backend, where it is another one than Cloud Storage. */
  readonly backend?: string | undefined;
  /** The bucket; empty where the backend has none. */
  readonly bucket: string;
  /** The name of the object. */
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  /** What else refers to the file, where the API says so: at Gemini what a prompt names. */
  readonly uri?: string | undefined;
  /** The version of the object's bytes. */
  readonly generation: string | undefined;
  /** Its media type. */
  readonly contentType: string | undefined;
  /** Base64. */
  readonly crc32c: string | undefined;
  /** The name of the session in the log; `undefined` for an upload in one request. */
  readonly session: string | undefined;
  /** All that is known of it, as the API writes it: at Cloud Storage the object resource. */
  readonly resource: Readonly<Record<string, unknown>>;
}

/** The operator's own code. */
export interface UploadHooks {
  /**
   * Runs before an upload starts, after everything was checked. It may refuse by throwing an {@linkcode HttpError}, and
   * change the name and the metadata by what it returns.
   */
  onStart?:
    | ((
      event: StartEvent,
    ) => StartDecision | undefined | void | Promise<StartDecision | undefined | void>)
    | undefined;
  /** Runs before each request that has a grant or a session. It may refuse by throwing an {@linkcode HttpError}. */
  onRequest?: ((event: RequestEvent) => void | Promise<void>) | undefined;
  /**
   * Runs when the object is there, before the client hears of it: at least once, also when the reply to the last request was
   * lost and a later one finds the object. When it throws, or takes longer than 25 seconds, the client gets a 503 and asks
   * again, and it runs again; for an upload in one request, which cannot be asked about, it is tried three times. Use
   * {@linkcode FinishEvent.id} to recognize what was done.
   */
  onFinish?: ((event: FinishEvent) => void | Promise<void>) | undefined;
}

/** How long a hook may take, in milliseconds. */
const DEADLINE = 25_000;

/** Runs a hook that may refuse. What it throws, other than a refusal, is no answer for a client. */
export async function runHook<T>(name: string, hook: () => T | Promise<T>): Promise<T> {
  try {
    return await inTime(hook);
  } catch (error) {
    throw error instanceof HttpError ? error : new HookError(name, error);
  }
}

/** Tells that an object is there. `once`: nobody will ask again. */
export async function runFinish(
  { onFinish }: UploadHooks,
  event: FinishEvent,
  once: boolean,
): Promise<void> {
  if (!onFinish) return;
  try {
    await insist(() => inTime(() => onFinish(event)), () => once);
  } catch (error) {
    throw new HookError("onFinish", error);
  }
}

/** A hook has failed: the client gets a 503, and the log says which one. */
export class HookError extends HttpError {
  /** For the log. */
  readonly detail: string;

  /** An error that shows nothing of its cause to the client. */
  constructor(hook: string, cause: unknown) {
    const { status, reason, message, headers } = badGateway(
      hook === "onFinish"
        ? "The object is stored, but that is not taken note of yet; ask again"
        : "The upload cannot be decided on at the moment",
    );
    super(status, reason, message, headers);
    const { name, message: words } = cause instanceof Error ? cause : new Error(typeof cause);
    this.detail = `${hook} has failed: ${name}: ${words}`.slice(0, 200);
  }
}

async function inTime<T>(hook: () => T | Promise<T>): Promise<T> {
  const outcome = hook();
  if (!isPending(outcome)) return outcome; // which needs no timer
  return await within(DEADLINE, Promise.resolve(outcome), () => {
    throw new Error(`took longer than ${DEADLINE} ms`);
  });
}

function isPending<T>(outcome: T | PromiseLike<T>): outcome is PromiseLike<T> {
  return typeof (outcome as Partial<PromiseLike<T>> | undefined | null)?.then === "function";
}

/** What is told of an object. */
export async function finishEvent(
  object: FinishedObject,
  backend: string | undefined,
  party: UploadParty,
  session: string | undefined,
): Promise<FinishEvent> {
  const { bucket, name, size, uri, generation, contentType, crc32c, resource } = object;
  const place = backend === undefined ? bucket : `${backend}:${bucket}`;
  const id = await idOf(`${place}/${name}/${generation}`);
  const { subject } = party;
  const payload = structuredClone(party.payload);
  return {
    id,
    ...(backend !== undefined && { backend }),
    bucket,
    name,
    size,
    ...(uri !== undefined && { uri }),
    generation,
    contentType,
    crc32c,
    subject,
    payload,
    session,
    resource,
  };
}

/** A short text in its place, of characters that any header can hold. */
async function idOf(text: string): Promise<string> {
  const digest = new Uint8Array(
    await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)),
  );
  return `upload_${
    [...digest.subarray(0, 16)].map((byte) => byte.toString(16).padStart(2, "0")).join("")
  }`;
}
