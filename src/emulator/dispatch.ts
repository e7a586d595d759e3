/**
 * Leads a request to the route that serves it.
 *
 * @module
 */

import { preflightReply } from "./cors.ts";
import { isBucketName } from "./storage/names.ts";
import { deleteObject, getObject, getXmlObject, listObjects } from "./json/object_routes.ts";
import { type Api, invalid, type Refusal, refuse, reply } from "./replies.ts";
import { serveRetryTest } from "./faults/retry_test_routes.ts";
import { apiOf, type Route } from "./route.ts";
import type { Exchange, Service } from "./service.ts";
import type { Session } from "./storage/session.ts";
import { serveSession } from "./json/session_routes.ts";
import { noSuchBucket } from "./storage/spec.ts";
import { serveUpload } from "./json/upload_routes.ts";
import { isSigned, signatureProblem } from "./xml/signed_url.ts";
import { startXmlUpload } from "./xml/routes.ts";

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
    const problem = sessionMethodProblem(route.api, exchange);
    if (!problem) return serveSession(service, session, exchange);
    await incoming.body.drain();
    return refuse(problem, route.api);
  }
  if (route.to === "retry test") return serveRetryTest(service.retryTests, route.id, incoming);
  if (route.to === "preflight") return preflightReply(incoming.headers, service.settings.cors);
  if (route.to === "nowhere") return nowhere(exchange);
  const api = apiOf(route);
  const refusal = await unauthorized(service, exchange) ?? bucketProblem(service, route.bucket);
  if (refusal) {
    await incoming.body.drain();
    return refuse(refusal, api);
  }
  return serve(service, route, exchange, api);
}

type BucketRoute = Exclude<Route, { to: "session" | "retry test" | "preflight" | "nowhere" }>;

async function serve(
  service: Service,
  route: BucketRoute,
  exchange: Exchange,
  api: Api,
): Promise<Response> {
  const { method, body } = exchange.incoming;
  if (route.to === "upload" && method === "POST") {
    return serveUpload(service, route.bucket, exchange);
  }
  if (route.to === "xml" && method === "POST") {
    return startXmlUpload(service, route.bucket, route.name, exchange);
  }
  await body.drain();
  const reads = method === "GET" || method === "HEAD";
  if (route.to === "objects" && reads) return listObjects(service, route.bucket, exchange);
  if (route.to === "xml" && reads) {
    return getXmlObject(service, route.bucket, route.name, exchange);
  }
  if (route.to === "object" && reads) {
    return getObject(service, route.bucket, route.name, exchange);
  }
  if (route.to === "object" && method === "DELETE") {
    return deleteObject(service, route.bucket, route.name, exchange);
  }
  if (route.to === "objects" && method === "POST") return refuse(wrongUrl(exchange));
  return refuse(methodNotAllowed(), api);
}

async function nowhere({ incoming }: Exchange): Promise<Response> {
  await incoming.body.drain();
  return reply(404, "text/html; charset=UTF-8", "Not Found");
}

/** A session takes PUT and DELETE, and with `uploadType` also POST. */
function sessionMethodProblem(api: Api, { incoming }: Exchange): Refusal | null {
  const { method, url } = incoming;
  if (method === "PUT" || method === "DELETE") return null;
  if (method === "POST" && api === "json" && url.searchParams.has("uploadType")) return null;
  return methodNotAllowed();
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

function bucketProblem({ settings }: Service, bucket: string): Refusal | null {
  if (!isBucketName(bucket)) {
    return invalid(`Invalid bucket name: '${bucket}'`, "invalid", "InvalidBucketName");
  }
  return settings.buckets && !settings.buckets.has(bucket) ? noSuchBucket() : null;
}

function methodNotAllowed(): Refusal {
  return {
    code: 405,
    reason: "methodNotAllowed",
    message: "The specified method is not allowed against this resource.",
    xmlCode: "MethodNotAllowed",
  };
}

function wrongUrl({ incoming, origin }: Exchange): Refusal {
  return invalid(
    `Uploads must be sent to the upload URL: ${origin}/upload${incoming.url.pathname}`,
    "wrongUrlForUpload",
  );
}
