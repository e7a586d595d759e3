/**
 * YouTube v3: videos, captions, thumbnails, watermarks.
 *
 * @module
 */

import {
  type Destination,
  type Endpoint,
  type UploadStart,
  USUAL_GRANULARITY,
} from "../api_endpoint.ts";
import { invalid, NO_CACHE, type Refusal, reply, required } from "../emulator_replies.ts";
import type { Service } from "../service.ts";
import { fileDestination } from "./files.ts";
import type { ApiPath } from "./api_path.ts";

/** One method that takes an upload. */
interface Method {
  readonly name: string;
  readonly http: "POST" | "PUT";
  /** The parameter without which it is refused. */
  readonly parameter: "part" | "videoId" | "channelId";
  /** Whether it takes metadata at all. */
  readonly takesMetadata: boolean;
  readonly status: 200 | 201 | 204;
  resource(id: string, start: UploadStart): Readonly<Record<string, unknown>> | null;
}

const METHODS: readonly (readonly [path: string, Method])[] = [
  ["videos", {
    name: "videos.insert",
    http: "POST",
    parameter: "part",
    takesMetadata: true,
    status: 201,
    resource: (id, { metadata }) => ({
      kind: "youtube#video",
      etag: `"${id}"`,
      id,
      ...metadata,
      status: { ...metadata?.status as object | undefined, uploadStatus: "uploaded" },
    }),
  }],
  ["captions", { ...caption("captions.insert"), http: "POST" }],
  ["captions", { ...caption("captions.update"), http: "PUT" }],
  ["thumbnails/set", {
    name: "thumbnails.set",
    http: "POST",
    parameter: "videoId",
    takesMetadata: false,
    status: 200,
    resource: (id) => ({
      kind: "youtube#thumbnailSetResponse",
      etag: `"${id}"`,
      items: [{ default: { url: `https://i.ytimg.com/vi/${id}/default.jpg` } }],
    }),
  }],
  ["watermarks/set", {
    name: "watermarks.set",
    http: "POST",
    parameter: "channelId",
    takesMetadata: true,
    status: 204,
    resource: () => null,
  }],
];

/** The paths of YouTube. */
export const YOUTUBE: readonly ApiPath[] = [...new Set(METHODS.map(([path]) => path))].map((
  path,
) => ({
  path: new RegExp(`^(?:/resumable)?/upload/youtube/v3/${path}$`),
  upload: () => endpoint(METHODS.filter(([at]) => at === path).map(([, method]) => method)),
}));

function endpoint(methods: readonly Method[]): Endpoint {
  return {
    api: "youtube",
    errors: "json",
    methods: methods.map(({ http }) => http),
    protocols: ["content-range", "x-goog-upload"],
    granularity: USUAL_GRANULARITY,
    finalQuery: "result",
    open: (service, start) =>
      open(service, start, methods.find(({ http }) => http === start.method) ?? methods[0]),
  };
}

function caption(name: string): Omit<Method, "http"> {
  return {
    name,
    parameter: "part",
    takesMetadata: true,
    status: 200,
    resource: (id, { metadata }) => ({ kind: "youtube#caption", etag: `"${id}"`, id, ...metadata }),
  };
}

function open(service: Service, start: UploadStart, method: Method): Destination | Refusal {
  if (!start.url.searchParams.has(method.parameter)) return required(method.parameter);
  if (!method.takesMetadata && start.metadata !== null) {
    return invalid("The request must not include a request body.", "badRequest");
  }
  return fileDestination(service, start, {
    api: "youtube",
    errors: "json",
    method: method.name,
    name: start.headers.get("slug") ?? method.name,
    make() {
      const id = String(start.metadata?.id ?? service.files.newId("y"));
      return { id, resource: method.resource(id, start) };
    },
    reply: (resource) =>
      method.status === 204 ? new Response(null, { status: 204, headers: NO_CACHE }) : reply(
        method.status,
        "application/json; charset=UTF-8",
        JSON.stringify(resource),
        NO_CACHE,
      ),
  });
}
