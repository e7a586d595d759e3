/**
 * The start of a resumable upload through the XML API.
 *
 * @module
 */

import { emptyReply, invalid, isRefusal, NO_CACHE, refuse } from "../emulator_replies.ts";
import type { Exchange, Service } from "../service.ts";
import { announcedSize, xmlSpec } from "../storage/spec.ts";
import { storageEndpoint, xmlDestination } from "../storage/endpoint.ts";

/** Serves `POST /{bucket}/{object}`. */
export async function startXmlUpload(
  service: Service,
  bucket: string,
  name: string,
  exchange: Exchange,
): Promise<Response> {
  const { url, headers, body } = exchange.incoming;
  await body.drain();
  if (headers.get("x-goog-resumable")?.toLowerCase() !== "start") {
    return refuse(invalid("A POST of an object needs the header x-goog-resumable: start."), "xml");
  }
  if (body.received > 0) {
    return refuse(invalid("The start of a resumable upload must have no body."), "xml");
  }
  const size = announcedSize(headers, "x-upload-content-length");
  if (isRefusal(size)) return refuse(size, "xml");
  const { origin } = exchange;
  const target = { bucket, query: url.searchParams, headers, origin, size: size.bytes };
  const spec = xmlSpec(target, name);
  if (isRefusal(spec)) return refuse(spec, "xml");
  const session = await service.startSession({
    protocol: "content-range",
    destination: xmlDestination(service, spec),
    endpoint: storageEndpoint(bucket),
    granularity: null,
    browserOrigin: headers.get("origin"),
  });
  const query = url.search === "" ? "?" : `${url.search}&`;
  // The bucket may be in the host of the request, and that is not the origin of the settings.
  const path = exchange.origin === url.origin
    ? url.pathname
    : `/${bucket}/${name.split("/").map(encodeURIComponent).join("/")}`;
  return emptyReply(201, "text/html; charset=UTF-8", {
    ...NO_CACHE,
    "location": `${exchange.origin}${path}${query}upload_id=${session.id}`,
    "x-guploader-uploadid": session.id,
  });
}
