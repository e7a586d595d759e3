/**
 * Uploads to Cloud Storage, through the JSON API and the XML API.
 *
 * @module
 */

import {
  type Destination,
  type Endpoint,
  type UploadStart,
  USUAL_GRANULARITY,
} from "../api_endpoint.ts";
import { objectReply } from "../json/json_view.ts";
import { isRefusal } from "../emulator_replies.ts";
import type { Service } from "../service.ts";
import { xmlObjectReply } from "../xml/xml_replies.ts";
import { bucketProblem } from "./names.ts";
import type { EmulatedObject } from "./object.ts";
import { jsonSpec, type Target, type UploadSpec } from "./spec.ts";

/** `objects.insert` of the JSON API. */
export function storageEndpoint(bucket: string): Endpoint {
  return {
    api: "storage",
    errors: "json",
    methods: ["POST"],
    protocols: ["content-range", "x-goog-upload"],
    granularity: USUAL_GRANULARITY,
    finalQuery: "result",
    admit: ({ settings }) => bucketProblem(bucket, settings.buckets),
    open(service, start) {
      const spec = jsonSpec(targetOf(bucket, start), start.metadata ?? {}, start.mediaType);
      if (isRefusal(spec)) return spec;
      return storageDestination(service, spec, "json", (object) => objectReply(object, spec.view));
    },
  };
}

/** A resumable upload through the XML API. */
export function xmlDestination(service: Service, spec: UploadSpec): Destination {
  return storageDestination(service, spec, "xml", xmlObjectReply);
}

/** An object that is told of by `show` when it is finished. */
export function storageDestination(
  service: Service,
  spec: UploadSpec,
  errors: "json" | "xml",
  show: (object: EmulatedObject) => Response,
): Destination {
  return {
    errors,
    bucket: spec.bucket,
    name: spec.name,
    finish(content, last) {
      const object = service.finalise(spec, content, last);
      const finished = isRefusal(object)
        ? object
        : { size: object.size, reply: () => show(object) };
      return Promise.resolve(finished);
    },
  };
}

/** What a start of that bucket is aimed at. */
export function targetOf(bucket: string, start: UploadStart): Target {
  const { url, headers, origin, size } = start;
  return { bucket, query: url.searchParams, headers, origin, size };
}
