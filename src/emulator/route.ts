/**
 * Which part of the service a URL names, and what its request is for.
 *
 * @module
 */

import { endsObject, readContentRange } from "./json/content_range_header.ts";
import type { Incoming } from "./incoming.ts";
import type { RequestKind } from "./record.ts";
import { decoded, matchPath } from "./apis/api_of_path.ts";
import type { Endpoint } from "./api_endpoint.ts";
import type { ErrorForm } from "./emulator_replies.ts";
import type { Exchange, Service } from "./service.ts";
import { storageEndpoint } from "./storage/endpoint.ts";
import { commandKind, speaksXGoogUpload, startKind } from "./x_goog_upload/command.ts";
import { isMultipartUpload } from "./xml/multipart_routes.ts";
import type { Session } from "./storage/stored_session.ts";

/** A part of the service. */
export type Route =
  /** Where the uploads of an API start. */
  | { readonly to: "upload"; readonly endpoint: Endpoint }
  /** A session, through whichever API. */
  | { readonly to: "session"; readonly errors: ErrorForm }
  /** What came of an upload to another API than Cloud Storage. */
  | {
    readonly to: "api";
    readonly errors: ErrorForm;
    read(service: Service, exchange: Exchange): Response;
  }
  /** `…/o` of the JSON API. */
  | { readonly to: "objects"; readonly bucket: string }
  /** `…/o/{object}` of the JSON API. */
  | { readonly to: "object"; readonly bucket: string; readonly name: string }
  /** `…/o/{object}/compose` of the JSON API. */
  | { readonly to: "compose"; readonly bucket: string; readonly name: string }
  /** `/{bucket}/{object}` of the XML API. */
  | { readonly to: "xml"; readonly bucket: string; readonly name: string }
  /** `/{bucket}?uploads` of the XML API. */
  | { readonly to: "multipart uploads"; readonly bucket: string }
  /** The resource that faults are asked for with; no id: all of them. */
  | { readonly to: "retry test"; readonly id: string | null }
  | { readonly to: "preflight" }
  | { readonly to: "nowhere" };

const UPLOAD = /^(?:\/resumable)?\/upload\/storage\/v1\/b\/([^/]+)\/o\/?$/;
const OBJECTS = /^\/storage\/v1\/b\/([^/]+)\/o\/?$/;
const COMPOSE = /^\/storage\/v1\/b\/([^/]+)\/o\/(.+)\/compose\/?$/;
const OBJECT = /^(?:\/download)?\/storage\/v1\/b\/([^/]+)\/o\/(.+)$/;
/** What else is below these paths is no bucket of the XML API. */
const JSON_API = /^(?:\/resumable)?(?:\/upload|\/download|\/batch)?\/storage\/v1(?:\/|$)/;
const XML = /^\/([^/]+)(?:\/(.*))?$/;
const RETRY_TEST = /^\/retry_test(?:\/([^/]+))?\/?$/;
const BUCKET_HOST = /^(.+)\.(?:storage\.googleapis\.com|localhost)$/;

/** The part of the service that a request names. */
export function routeOf({ method, url }: Incoming): Route {
  if (method === "OPTIONS") return { to: "preflight" };
  const onSession = url.searchParams.has("upload_id");
  const path = url.pathname;
  const upload = UPLOAD.exec(path);
  if (upload) return uploadRoute(storageEndpoint(decoded(upload[1])), onSession);
  const objects = OBJECTS.exec(path);
  if (objects) return { to: "objects", bucket: decoded(objects[1]) };
  // Another method means an object whose name ends so.
  const compose = method === "POST" ? COMPOSE.exec(path) : null;
  if (compose) return { to: "compose", bucket: decoded(compose[1]), name: decoded(compose[2]) };
  const object = OBJECT.exec(path);
  if (object) return { to: "object", bucket: decoded(object[1]), name: decoded(object[2]) };
  if (JSON_API.test(path)) return { to: "nowhere" };
  const retryTest = RETRY_TEST.exec(path);
  if (retryTest) return { to: "retry test", id: retryTest[1] ?? null };
  const api = apiRoute(path, onSession);
  if (api) return api;
  const host = BUCKET_HOST.exec(url.hostname);
  const xml = host ? [path, host[1], path.slice(1)] : XML.exec(path);
  if (!xml) return { to: "nowhere" };
  const [bucket, name] = [decoded(xml[1]), decoded(xml[2])];
  if (name === "") {
    return url.searchParams.has("uploads")
      ? { to: "multipart uploads", bucket }
      : { to: "nowhere" };
  }
  return onSession ? { to: "session", errors: "xml" } : { to: "xml", bucket, name };
}

function uploadRoute(endpoint: Endpoint, onSession: boolean): Route {
  return onSession ? { to: "session", errors: endpoint.errors } : { to: "upload", endpoint };
}

function apiRoute(path: string, onSession: boolean): Route | null {
  const found = matchPath(path);
  if (!found) return null;
  const { api, parts } = found;
  if (api.upload) return uploadRoute(api.upload(parts), onSession);
  const { errors, read } = api;
  return { to: "api", errors, read: (service, exchange) => read(service, exchange, parts) };
}

/** What the errors of a route look like. */
export function errorsOf(route: Route): ErrorForm {
  if (route.to === "upload") return route.endpoint.errors;
  if (route.to === "session" || route.to === "api") return route.errors;
  return route.to === "xml" || route.to === "multipart uploads" ? "xml" : "json";
}

/** What a request is for. */
export function kindOf(
  route: Route,
  incoming: Incoming,
  session: Session | undefined,
): RequestKind {
  const { method, url, headers } = incoming;
  const reads = method === "GET" || method === "HEAD";
  switch (route.to) {
    case "upload":
      if (!route.endpoint.methods.includes(method)) return "other";
      return speaksXGoogUpload(incoming)
        ? startKind(incoming)
        : uploadKind(url.searchParams.get("uploadType"));
    case "session":
      if (speaksXGoogUpload(incoming)) return commandKind(headers);
      if (method === "DELETE") return "cancel";
      return method === "PUT" || method === "POST" ? sessionKind(headers, session) : "other";
    case "objects":
      return reads ? "list" : "other";
    case "object":
      if (method === "PATCH") return "patch";
      return reads ? "get" : method === "DELETE" ? "delete" : "other";
    case "compose":
      return "compose";
    case "api":
      return reads ? "get" : "other";
    case "multipart uploads":
      return reads ? "list uploads" : "other";
    case "xml":
      if (isMultipartUpload(url)) return multipartKind(incoming);
      return xmlKind(method);
    default:
      return "other";
  }
}

function xmlKind(method: string): RequestKind {
  switch (method) {
    case "GET":
    case "HEAD":
      return "get";
    case "POST":
      return "initiate";
    case "PUT":
      return "media";
    default:
      return method === "DELETE" ? "delete" : "other";
  }
}

function multipartKind({ method, url }: Incoming): RequestKind {
  const isStarted = url.searchParams.has("uploadId");
  switch (method) {
    case "POST":
      return isStarted ? "complete" : "initiate";
    case "PUT":
      return isStarted ? "part" : "other";
    case "GET":
      return isStarted ? "list parts" : "other";
    case "DELETE":
      return isStarted ? "abort" : "other";
    default:
      return "other";
  }
}

function uploadKind(uploadType: string | null): RequestKind {
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
