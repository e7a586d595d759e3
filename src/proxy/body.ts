/** Bodies on their way through: bounded, and never collected. */

import { badRequest, type HttpError, tooLarge } from "./http_error.ts";

/** What a body must keep to. */
export interface BodyBounds {
  /** The exact number of bytes, where the request says it elsewhere. */
  readonly exact?: number;
  /** The most bytes. */
  readonly most: number;
}

/** A body that may be sent on. */
export interface PassedBody {
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>> | null;
  /** The number of bytes, when it is known beforehand. */
  readonly length: number | undefined;
  /** Whether it is a request's body as it came, whose length the server holds the client to. */
  readonly untouched?: boolean;
  /** What was wrong with the body, once it has been found. */
  readonly problem: () => HttpError | undefined;
}

/** What a header says in bytes, such as `Content-Length`; `undefined` without it. */
export function byteCount(headers: Headers, name: string): number | undefined {
  const text = headers.get(name);
  if (text === null) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw badRequest(`${name}: expected a number of bytes`);
  return Number(text);
}

/**
 * Takes the body of a request, if its length keeps to the bounds. With a `Content-Length`, which the server holds the
 * client to, the body goes through untouched; without one its bytes are counted as they pass.
 */
export function passBody(
  { headers, body }: Pick<Request, "headers" | "body">,
  bounds: BodyBounds,
): PassedBody {
  const length = byteCount(headers, "Content-Length") ?? (body ? undefined : 0);
  if (length === undefined) return counted(body!, bounds);
  check(length, bounds);
  return { body: length > 0 ? body : null, length, untouched: true, problem: () => undefined };
}

/**
 * The same body, but instead of failing it calls `broken`, which must end the request.
 *
 * Bodies that go on without a length need that: when one fails, or its client leaves, workerd ends it upstream as if there
 * were no more to come, and Google takes a part for the whole.
 */
export function guarded(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  broken: () => void,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      } catch {
        setTimeout(broken, 0); // a task of its own: workerd crashes when a request is ended from within its body
        await new Promise(() => {});
      }
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}

function check(length: number, { exact, most }: BodyBounds): void {
  if (exact !== undefined && length !== exact) {
    throw badRequest(`The Content-Range speaks of ${exact} bytes, the body has ${length}`);
  }
  if (length > most) throw tooLarge(`At most ${most} bytes are allowed here, got ${length}`);
}

function counted(body: ReadableStream<Uint8Array<ArrayBuffer>>, bounds: BodyBounds): PassedBody {
  const { exact, most } = bounds;
  let problem: HttpError | undefined;
  let count = 0;
  const refuse = (error: HttpError): never => {
    problem = error;
    throw error;
  };
  const counter = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(piece, controller) {
      count += piece.length;
      if (exact !== undefined && count > exact) {
        refuse(badRequest(`The Content-Range speaks of ${exact} bytes, the body has more`));
      }
      if (count > most) refuse(tooLarge(`At most ${most} bytes are allowed here, got more`));
      controller.enqueue(piece);
    },
    flush() {
      if (exact !== undefined && count !== exact) {
        refuse(badRequest(`The Content-Range speaks of ${exact} bytes, the body has ${count}`));
      }
    },
  });
  return { body: body.pipeThrough(counter), length: undefined, problem: () => problem };
}

/** Reads a small text to its end; one that is longer is refused. */
export async function readText(
  body: ReadableStream<Uint8Array<ArrayBuffer>> | null,
  most: number,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = "", size = 0;
  for await (const piece of body ?? []) {
    size += piece.length;
    if (size > most) throw tooLarge(`At most ${most} bytes are allowed here`);
    text += decoder.decode(piece, { stream: true });
  }
  return text + decoder.decode();
}
