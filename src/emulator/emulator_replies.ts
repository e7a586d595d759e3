/**
 * Replies in Google's shapes: JSON, XML, plain text.
 *
 * @module
 */

import { escapeXml } from "./xml/write.ts";

/** The headers of every reply of the upload service that carries an object or a session. */
export const NO_CACHE: Readonly<Record<string, string>> = {
  "cache-control": "no-cache, no-store, max-age=0, must-revalidate",
  "pragma": "no-cache",
  "expires": "Mon, 01 Jan 1990 00:00:00 GMT",
};

/**
 * How the errors of an API look: as those of Google's older JSON APIs, as XML, or as a `google.rpc.Status` in JSON with an
 * `ErrorInfo`.
 */
export type ErrorForm = "json" | "xml" | "rpc";

/** Why a request is refused. */
export interface Refusal {
  /** The HTTP status. */
  readonly code: number;
  /** `reason` of the JSON error. */
  readonly reason: string;
  readonly message: string;
  /** `Code` of the XML error. */
  readonly xmlCode: string;
  /** `Message` of the XML error, if it is another than that of the JSON error, which is then its `Details`. */
  readonly xmlMessage?: string;
  readonly locationType?: string;
  readonly location?: string;
}

/** A refusal because of a value that the client sent. */
export function invalid(
  message: string,
  reason: string = "invalid",
  xmlCode: string = "InvalidArgument",
): Refusal {
  return { code: 400, reason, message, xmlCode };
}

/** A refusal because of a parameter. */
export function invalidParameter(name: string, message: string): Refusal {
  return {
    code: 400,
    reason: "invalidParameter",
    message,
    xmlCode: "InvalidArgument",
    locationType: "parameter",
    location: name,
  };
}

/** A refusal of a method that the resource does not have. */
export function methodNotAllowed(): Refusal {
  return {
    code: 405,
    reason: "methodNotAllowed",
    message: "The specified method is not allowed against this resource.",
    xmlCode: "MethodNotAllowed",
  };
}

/** A refusal because a parameter is missing. */
export function required(name: string): Refusal {
  return {
    code: 400,
    reason: "required",
    message: `Required parameter: ${name}`,
    xmlCode: "InvalidArgument",
    locationType: "parameter",
    location: name,
  };
}

/** A refusal because something does not exist. */
export function notFound(message: string, xmlCode: string): Refusal {
  return { code: 404, reason: "notFound", message, xmlCode };
}

/** A precondition that matches something else. */
export const PRECONDITION_FAILED: Refusal = {
  code: 412,
  reason: "conditionNotMet",
  message: "At least one of the pre-conditions you specified did not hold.",
  xmlCode: "PreconditionFailed",
  locationType: "header",
  location: "If-Match",
};

/** A not-match precondition that matches: 304, with nothing in it. */
export const NOT_MODIFIED: Refusal = {
  code: 304,
  reason: "notModified",
  message: "",
  xmlCode: "NotModified",
};

/** Whether a value is a refusal. */
export function isRefusal(value: object): value is Refusal {
  return "code" in value && "xmlCode" in value;
}

/** The reply to a refused request. */
export function refuse(refusal: Refusal, form: ErrorForm = "json"): Response {
  if (refusal.code === 304) {
    return new Response(null, { status: 304, headers: { "content-type": "application/json" } });
  }
  const type = form === "xml" ? "application/xml" : "application/json";
  return reply(refusal.code, `${type}; charset=UTF-8`, errorBody(refusal, form));
}

/** The body of an error. */
export function errorBody(refusal: Refusal, form: ErrorForm): string {
  switch (form) {
    case "json":
      return errorJson(refusal);
    case "xml":
      return errorXml(refusal);
    case "rpc":
      return errorRpc(refusal);
  }
}

/** The body of a JSON error. */
export function errorJson(refusal: Refusal): string {
  const { code, message, reason, locationType, location } = refusal;
  const detail = { message, domain: "global", reason, locationType, location };
  return JSON.stringify({ error: { code, message, errors: [detail] } });
}

function errorRpc({ code, message, reason }: Refusal): string {
  const status = RPC_STATUS[code] ?? "UNKNOWN";
  const info = {
    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
    reason,
    domain: "googleapis.com",
  };
  return JSON.stringify({ error: { code, message, status, details: [info] } });
}

const RPC_STATUS: Readonly<Record<number, string>> = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  409: "ABORTED",
  412: "FAILED_PRECONDITION",
  429: "RESOURCE_EXHAUSTED",
  500: "INTERNAL",
  501: "UNIMPLEMENTED",
  503: "UNAVAILABLE",
  504: "DEADLINE_EXCEEDED",
};

function errorXml({ xmlCode, message, xmlMessage }: Refusal): string {
  const details = xmlMessage === undefined ? "" : `<Details>${escapeXml(message)}</Details>`;
  return "<?xml version='1.0' encoding='UTF-8'?>" +
    `<Error><Code>${escapeXml(xmlCode)}</Code>` +
    `<Message>${escapeXml(xmlMessage ?? message)}</Message>${details}</Error>`;
}

/** A reply in plain text, as the upload service gives it to a request it cannot follow. */
export function plainText(status: number, text: string): Response {
  return reply(status, "text/plain; charset=utf-8", text);
}

/** A reply with a body and its length. */
export function reply(
  status: number,
  contentType: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const bytes = new TextEncoder().encode(body);
  return new Response(bytes, {
    status,
    headers: { ...headers, "content-type": contentType, "content-length": String(bytes.length) },
  });
}

/** A reply without a body. */
export function emptyReply(
  status: number,
  contentType: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(null, {
    status,
    headers: { ...headers, "content-type": contentType, "content-length": "0" },
  });
}
