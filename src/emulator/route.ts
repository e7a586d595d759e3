/**
 * Which part of the service a URL names, and what its request is for.
 *
 * @module
 */

import { endsObject, readContentRange } from "./json/content_range.ts";
import type { Incoming } from "./incoming.ts";
import type { RequestKind } from "./record.ts";
import type { Api } from "./replies.ts";
import type { Session } from "./storage/session.ts";

/** A part of the service. */
export type Route =
  /** `…/o` of the upload service. */
  | { readonly to: "upload"; readonly bucket: string }
  /** A session, through whichever API. */
  | { readonly to: "session"; readonly api: Api }
  /** `…/o` of the JSON API. */
  | { readonly to: "objects"; readonly bucket: string }
  /** `…/o/{object}` of the JSON API. */
  | { readonly to: "object"; readonly bucket: string; readonly name: string }
  /** `/{bucket}/{object}` of the XML API. */
  | { readonly to: "xml"; readonly bucket: string; readonly name: string }
  /** The resource that faults are asked for with; no id: all of them. */
  | { readonly to: "retry test"; readonly id: string | null }
  | { readonly to: "preflight" }
  | { readonly to: "nowhere" };

const UPLOAD = /^(?:\/resumable)?\/upload\/storage\/v1\/b\/([^/]+)\/o\/?$/;
const OBJECTS = /^\/storage\/v1\/b\/([^/]+)\/o\/?$/;
const OBJECT = /^(?:\/download)?\/storage\/v1\/b\/([^/]+)\/o\/(.+)$/;
/** What else is below these paths is no bucket of the XML API. */
const JSON_API = /^(?:\/resumable)?(?:\/upload|\/download|\/batch)?\/storage\/v1(?:\/|$)/;
const XML = /^\/([^/]+)\/(.+)$/;
const RETRY_TEST = /^\/retry_test(?:\/([^/]+))?\/?$/;
const BUCKET_HOST = /^(.+)\.storage\.googleapis\.com$/;

/** The part of the service that a request names. */
export function routeOf({ method, url }: Incoming): Route {
  if (method === "OPTIONS") return { to: "preflight" };
  const onSession = url.searchParams.has("upload_id");
  const path = url.pathname;
  const upload = UPLOAD.exec(path);
  if (upload) {
    return !onSession
      ? { to: "upload", bucket: decoded(upload[1]) }
      : { to: "session", api: "json" };
  }
  const objects = OBJECTS.exec(path);
  if (objects) return { to: "objects", bucket: decoded(objects[1]) };
  const object = OBJECT.exec(path);
  if (object) return { to: "object", bucket: decoded(object[1]), name: decoded(object[2]) };
  if (JSON_API.test(path)) return { to: "nowhere" };
  const retryTest = RETRY_TEST.exec(path);
  if (retryTest) return { to: "retry test", id: retryTest[1] ?? null };
  const host = BUCKET_HOST.exec(url.hostname);
  const xml = host ? [path, host[1], path.slice(1)] : XML.exec(path);
  if (!xml || xml[2] === "") return { to: "nowhere" };
  return !onSession
    ? { to: "xml", bucket: decoded(xml[1]), name: decoded(xml[2]) }
    : { to: "session", api: "xml" };
}

/** The API of a route: what its errors look like. */
export function apiOf(route: Route): Api {
  return route.to === "session" ? route.api : route.to === "xml" ? "xml" : "json";
}

/** What a request is for. */
export function kindOf(
  route: Route,
  { method, url, headers }: Incoming,
  session: Session | undefined,
): RequestKind {
  const reads = method === "GET" || method === "HEAD";
  switch (route.to) {
    case "upload":
      return uploadKind(method, url.searchParams.get("uploadType"));
    case "session":
      if (method === "DELETE") return "cancel";
      return method === "PUT" || method === "POST" ? sessionKind(headers, session) : "other";
    case "objects":
      return reads ? "list" : "other";
    case "object":
      return reads ? "get" : method === "DELETE" ? "delete" : "other";
    case "xml":
      return reads ? "get" : method === "POST" ? "initiate" : "other";
    default:
      return "other";
  }
}

function uploadKind(method: string, uploadType: string | null): RequestKind {
  if (method !== "POST") return "other";
  if (uploadType === "media" || uploadType === "multipart") return uploadType;
  return uploadType === "resumable" ? "initiate" : "other";
}

function sessionKind(headers: Headers, session: Session | undefined): RequestKind {
  const range = readContentRange(headers.get("content-range"));
  if (!range) return "chunk";
  if (range.form === "status") return "status";
  if (range.form === "total") {
    const ends = session?.state.phase === "open" && session.persisted === range.total;
    return ends ? "finalize" : "status";
  }
  return endsObject(range) ? "final" : "chunk";
}

/** Undoes percent-encoding; what is not encoded correctly stays as it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
