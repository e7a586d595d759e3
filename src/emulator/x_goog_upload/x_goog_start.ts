/**
 * Starts of `X-Goog-Upload`: a session, or an upload in one request.
 *
 * @module
 */

import type { Endpoint } from "../api_endpoint.ts";
import {
  type Announcement,
  destinationOf,
  takeMedia,
  takeMultipart,
} from "../json/json_one_request.ts";
import { emptyReply, invalid, isRefusal, NO_CACHE, refuse } from "../emulator_replies.ts";
import type { Exchange, Service } from "../service.ts";
import { announcedSize } from "../storage/spec.ts";
import { commandsOf, protocolOf } from "./command.ts";

/** Serves a start at the upload URL of an API. */
export async function serveStart(
  service: Service,
  endpoint: Endpoint,
  exchange: Exchange,
): Promise<Response> {
  const { method, url, headers, body } = exchange.incoming;
  const protocol = protocolOf(exchange.incoming);
  const sizeHeader = headers.has("x-goog-upload-raw-size")
    ? "x-goog-upload-raw-size"
    : "x-goog-upload-header-content-length";
  const size = announcedSize(headers, sizeHeader);
  const starts = protocol === "resumable" && commandsOf(headers).has("start");
  if (isRefusal(size) || (protocol !== "raw" && protocol !== "multipart" && !starts)) {
    await body.drain();
    const unknown =
      "X-Goog-Upload-Protocol must be raw, multipart, or resumable with the command start.";
    return refuse(isRefusal(size) ? size : invalid(unknown), endpoint.errors);
  }
  const mediaType = headers.get("x-goog-upload-header-content-type") ??
    headers.get("x-goog-upload-content-type");
  const announced = { method, url, headers, origin: exchange.origin, mediaType, size: size.bytes };
  if (starts) return open(service, endpoint, announced, exchange);
  const own = { ...announced, mediaType: mediaType ?? headers.get("content-type") };
  return finalReply(
    protocol === "raw"
      ? await takeMedia(service, endpoint, own, exchange)
      : await takeMultipart(service, endpoint, announced, exchange),
  );
}

async function open(
  service: Service,
  endpoint: Endpoint,
  announced: Announcement,
  exchange: Exchange,
): Promise<Response> {
  const { url, headers } = exchange.incoming;
  const destination = await destinationOf(service, endpoint, announced, exchange);
  if (isRefusal(destination)) return refuse(destination, endpoint.errors);
  const { settings, scenarios } = service;
  const scenario = scenarios.of(headers);
  const granularity = scenario?.granularity ??
    (settings.granularity === undefined ? endpoint.granularity : settings.granularity);
  const session = await service.startSession({
    protocol: "x-goog-upload",
    destination,
    endpoint,
    granularity,
    browserOrigin: headers.get("origin"),
  });
  if (scenario) scenarios.follow(session, scenario);
  const query = url.search === "" ? "?" : `${url.search}&`;
  const id = `upload_id=${session.id}&upload_protocol=resumable`;
  const location = `${exchange.origin}${url.pathname}${query}${id}`;
  return emptyReply(200, "text/plain; charset=utf-8", {
    ...NO_CACHE,
    "x-goog-upload-status": "active",
    "x-goog-upload-url": location,
    "x-goog-upload-control-url": location,
    ...(granularity !== null && { "x-goog-upload-chunk-granularity": String(granularity) }),
    "x-guploader-uploadid": session.id,
  });
}

/** A reply that ends an upload: every success is a 200 in this protocol. */
export function finalReply(reply: Response): Response {
  const headers = new Headers(reply.headers);
  headers.set("x-goog-upload-status", "final");
  return new Response(reply.body, { status: reply.ok ? 200 : reply.status, headers });
}
