/**
 * Leads a request to the route that serves it.
 *
 * @module
 */

import { preflightReply } from "./bucket_cors.ts";
import type { Endpoint } from "./api_endpoint.ts";
import { serveRetryTest } from "./faults/retry_test_routes.ts";
import { compose } from "./json/compose_route.ts";
import { deleteObject, getObject, getXmlObject, listObjects } from "./json/json_object_routes.ts";
import { serveSession } from "./json/json_session_routes.ts";
import { patchObject } from "./json/patch_route.ts";
import { serveUpload } from "./json/upload_routes.ts";
import {
  type ErrorForm,
  invalid,
  methodNotAllowed,
  type Refusal,
  refuse,
  reply,
} from "./emulator_replies.ts";
import { errorsOf, type Route } from "./route.ts";
import type { Exchange, Service } from "./service.ts";
import { bucketProblem } from "./storage/names.ts";
import type { Session } from "./storage/stored_session.ts";
import { speaksXGoogUpload } from "./x_goog_upload/command.ts";
import { serveStart } from "./x_goog_upload/x_goog_start.ts";
import { listUploads } from "./xml/list_uploads.ts";
import { isMultipartUpload, serveMultipartUpload } from "./xml/multipart_routes.ts";
import { deleteXmlObject, putXmlObject } from "./xml/xml_object_routes.ts";
import { startXmlUpload } from "./xml/routes.ts";
import { isSigned, signatureProblem } from "./xml/signed_url.ts";

/** Serves a request. */
export async function dispatch(
  service: Service,
  route: Route,
  session: Session | undefined,
  exchange: Exchange,
): Promise<Response> {
  const { incoming } = exchange;
  if (incoming.lacksLength) {
    const text = `${incoming.method} requests require a Content-length header.`;
    return reply(411, "text/html; charset=UTF-8", text);
  }
  if (route.to === "session") {
    const problem = sessionMethodProblem(route.errors, exchange);
    if (!problem) return serveSession(service, session, exchange);
    await incoming.body.drain();
    return refuse(problem, route.errors);
  }
  if (route.to === "retry test") return serveRetryTest(service.retryTests, route.id, incoming);
  if (route.to === "preflight") return preflightReply(incoming.headers, service.settings.cors);
  if (route.to === "nowhere") return nowhere(exchange);
  const refusal = await unauthorized(service, exchange) ?? problemOf(service, route, exchange);
  if (refusal) {
    await incoming.body.drain();
    return refuse(refusal, errorsOf(route));
  }
  return serve(service, route, exchange);
}

type OpenRoute = Exclude<Route, { to: "session" | "retry test" | "preflight" | "nowhere" }>;

/** Why nobody may do anything there. */
function problemOf(service: Service, route: OpenRoute, { incoming }: Exchange): Refusal | null {
  if (route.to === "upload") return route.endpoint.admit?.(service, incoming) ?? null;
  return route.to === "api" ? null : bucketProblem(route.bucket, service.settings.buckets);
}

async function serve(service: Service, route: OpenRoute, exchange: Exchange): Promise<Response> {
  const { method, body } = exchange.incoming;
  if (route.to === "upload" && route.endpoint.methods.includes(method)) {
    return startUpload(service, route.endpoint, exchange);
  }
  if (route.to === "xml" && isMultipartUpload(exchange.incoming.url)) {
    return serveMultipartUpload(service, route, exchange);
  }
  if (route.to === "xml" && method === "POST") {
    return startXmlUpload(service, route.bucket, route.name, exchange);
  }
  if (route.to === "xml" && method === "PUT") {
    return putXmlObject(service, route.bucket, route.name, exchange);
  }
  if (route.to === "compose") return compose(service, route.bucket, route.name, exchange);
  if (route.to === "object" && method === "PATCH") {
    return patchObject(service, route.bucket, route.name, exchange);
  }
  await body.drain();
  const reads = method === "GET" || method === "HEAD";
  if (route.to === "api" && reads) return route.read(service, exchange);
  if (route.to === "objects" && reads) return listObjects(service, route.bucket, exchange);
  if (route.to === "multipart uploads" && method === "GET") {
    return listUploads(service, route.bucket, exchange);
  }
  if (route.to === "xml" && reads) {
    return getXmlObject(service, route.bucket, route.name, exchange);
  }
  if (route.to === "xml" && method === "DELETE") {
    return deleteXmlObject(service, route.bucket, route.name, exchange);
  }
  if (route.to === "object" && reads) {
    return getObject(service, route.bucket, route.name, exchange);
  }
  if (route.to === "object" && method === "DELETE") {
    return deleteObject(service, route.bucket, route.name, exchange);
  }
  if (route.to === "objects" && method === "POST") return refuse(wrongUrl(exchange));
  return refuse(methodNotAllowed(), errorsOf(route));
}

async function startUpload(
  service: Service,
  endpoint: Endpoint,
  exchange: Exchange,
): Promise<Response> {
  const protocol = speaksXGoogUpload(exchange.incoming) ? "x-goog-upload" : "content-range";
  if (!endpoint.protocols.includes(protocol)) {
    await exchange.incoming.body.drain();
    return refuse(invalid(`${endpoint.api} does not speak ${protocol}.`), endpoint.errors);
  }
  return protocol === "x-goog-upload"
    ? serveStart(service, endpoint, exchange)
    : serveUpload(service, endpoint, exchange);
}

async function nowhere({ incoming }: Exchange): Promise<Response> {
  await incoming.body.drain();
  return reply(404, "text/html; charset=UTF-8", "Not Found");
}

/** A session takes PUT and DELETE, and with `uploadType` or a command also POST. */
function sessionMethodProblem(errors: ErrorForm, { incoming }: Exchange): Refusal | null {
  const { method, url } = incoming;
  if (method === "PUT" || method === "DELETE") return null;
  const post = url.searchParams.has("uploadType") || speaksXGoogUpload(incoming);
  return method === "POST" && errors !== "xml" && post ? null : methodNotAllowed();
}

async function unauthorized(service: Service, exchange: Exchange): Promise<Refusal | null> {
  const { authorize } = service.settings;
  const { method, url, headers } = exchange.incoming;
  if (isSigned(url)) return signatureProblem(exchange.incoming, service.settings.verifySignature);
  if (!authorize) return null;
  if (await authorize(new Request(url, { method, headers }))) return null;
  const missing = !headers.has("authorization");
  return {
    code: 401,
    reason: missing ? "required" : "authError",
    message: missing ? "Login Required" : "Invalid Credentials",
    xmlCode: "AuthenticationRequired",
    locationType: "header",
    location: "Authorization",
  };
}

function wrongUrl({ incoming, origin }: Exchange): Refusal {
  return invalid(
    `Uploads must be sent to the upload URL: ${origin}/upload${incoming.url.pathname}`,
    "wrongUrlForUpload",
  );
}
