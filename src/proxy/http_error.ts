/** Errors as Google writes them, so that Google's clients show them. */

/** Why a request is refused; thrown by `authorize`, it becomes the reply. */
export class HttpError extends Error {
  /** The name of the class, for logs. */
  override readonly name: string = "HttpError";
  /** The HTTP status of the reply. */
  readonly status: number;
  /** Google's word for it, such as `forbidden`. */
  readonly reason: string;
  /** Headers of the reply. */
  readonly headers: Readonly<Record<string, string>>;

  /**
   * Makes an error.
   *
   * @param status the HTTP status, from 400 to 599
   * @param reason Google's word for it, such as `forbidden`
   * @param message what was expected and what was found; never a secret, and nothing of the client's unescaped
   * @throws {RangeError} the status is none of an error
   * @throws {TypeError} a header cannot be sent
   */
  constructor(
    status: number,
    reason: string,
    message: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    // A reply cannot be made of others, and a success or a redirect would be taken for what it says.
    if (!Number.isInteger(status) || status < 400 || status > 599) {
      throw new RangeError(`HttpError: expected a status from 400 to 599, got ${String(status)}`);
    }
    new Headers(headers);
    this.status = status;
    this.reason = reason;
    this.headers = headers;
  }
}

/** What of an error clients know it by: its type, and members beside it (RFC 9457). */
export interface Problem {
  /** A URI. */
  readonly type: string;
  readonly title: string;
  readonly members?: Readonly<Record<string, number>> | undefined;
}

/** An error whose reply is `application/problem+json`. */
export class ProblemError extends HttpError {
  readonly problem: Problem;

  /** Makes an error of this type. */
  constructor(
    status: number,
    message: string,
    problem: Problem,
    headers?: Readonly<Record<string, string>>,
  ) {
    super(status, "invalid", message, headers);
    this.problem = problem;
  }
}

/** The same error with more headers. */
export function withHeaders(
  error: HttpError,
  headers: Readonly<Record<string, string>>,
): HttpError {
  // On top of it, so that it stays one of its class.
  return Object.create(error, { headers: { value: { ...error.headers, ...headers } } });
}

/** The request cannot be understood. */
export function badRequest(message: string, reason = "invalid"): HttpError {
  return new HttpError(400, reason, message);
}

/** The client must show who it is. */
export function unauthorized(message: string): HttpError {
  return new HttpError(401, "authError", message, { "www-authenticate": "Bearer" });
}

/** The client may not do this. */
export function forbidden(message: string): HttpError {
  return new HttpError(403, "forbidden", message);
}

/** More bytes than allowed. */
export function tooLarge(message: string): HttpError {
  return new HttpError(413, "uploadTooLarge", message);
}

/** Google did not answer, or not as it should. `again` says that trying later may help. */
export function badGateway(message: string, again = true): HttpError {
  return again
    ? new HttpError(503, "backendError", message, { "retry-after": "5" })
    : new HttpError(502, "badGateway", message);
}

/** The reply for an error. */
export function errorResponse(error: HttpError): Response {
  const { status, reason, message, headers } = error;
  if (error instanceof ProblemError) {
    const { type, title, members } = error.problem;
    return Response.json({ type, title, status, detail: message, ...members }, {
      status,
      headers: {
        ...headers,
        "cache-control": "no-store",
        "content-type": "application/problem+json",
      },
    });
  }
  const errors = [{ message, domain: "global", reason }];
  return Response.json({ error: { code: status, message, errors } }, {
    status,
    headers: {
      ...headers,
      "cache-control": "no-store",
      "content-type": "application/json; charset=UTF-8",
    },
  });
}

/** A client's words inside a message: quoted, on one line, bounded. */
export function quote(value: string): string {
  return printable(JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}…` : value));
}

/** JSON without the control characters that it leaves alone: those of terminals, and of the direction of text. */
export function printable(json: string): string {
  return json.replace(
    /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (character) => {
      return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
    },
  );
}
