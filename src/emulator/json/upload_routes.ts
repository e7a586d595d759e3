/**
 * The three ways to start an upload with `uploadType`.
 *
 * @module
 */

import type { Endpoint } from "../api_endpoint.ts";
import { emptyReply, invalid, isRefusal, NO_CACHE, refuse, required } from "../emulator_replies.ts";
import type { Exchange, Service } from "../service.ts";
import { announcedSize } from "../storage/spec.ts";
import { type Announcement, destinationOf, takeMedia, takeMultipart } from "./json_one_request.ts";

/** Serves a start at the upload URL of an API. */
export async function serveUpload(
  service: Service,
  endpoint: Endpoint,
  exchange: Exchange,
): Promise<Response> {
  const { method, url, headers, body } = exchange.incoming;
  const size = announcedSize(headers, "x-upload-content-length");
  if (isRefusal(size)) {
    await body.drain();
    return refuse(size, endpoint.errors);
  }
  const announced = {
    method,
    url,
    headers,
    origin: exchange.origin,
    mediaType: headers.get("x-upload-content-type"),
    size: size.bytes,
  };
  const uploadType = url.searchParams.get("uploadType");
  switch (uploadType) {
    case "media":
      return takeMedia(
        service,
        endpoint,
        { ...announced, mediaType: headers.get("content-type") },
        exchange,
      );
    case "multipart":
      return takeMultipart(service, endpoint, announced, exchange);
    case "resumable":
      return initiate(service, endpoint, announced, exchange);
    default:
      await body.drain();
      return refuse(
        uploadType === null
          ? required("uploadType")
          : invalid(`Invalid value for uploadType: ${uploadType}`),
        endpoint.errors,
      );
  }
}

async function initiate(
  service: Service,
  endpoint: Endpoint,
  announced: Announcement,
  exchange: Exchange,
): Promise<Response> {
  const { url, headers } = exchange.incoming;
  const destination = await destinationOf(service, endpoint, announced, exchange);
  if (isRefusal(destination)) return refuse(destination, endpoint.errors);
  const session = await service.startSession({
    protocol: "content-range",
    destination,
    endpoint,
    granularity: null,
    browserOrigin: headers.get("origin"),
  });
  return emptyReply(200, "text/plain; charset=utf-8", {
    ...NO_CACHE,
    "location": `${exchange.origin}${url.pathname}${url.search}&upload_id=${session.id}`,
    "x-guploader-uploadid": session.id,
  });
}
