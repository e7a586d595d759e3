/** The requests about an XML multipart upload as a whole, sent until they are answered. */

import { InvalidResponse } from "../errors.ts";
import { attempt, type RetryPolicy } from "../net/retry.ts";
import type { SendResult } from "../net/send.ts";
import type { Transport } from "../net/transport.ts";
import type { Reply } from "../net/send.ts";
import {
  type ListedPart,
  type PartsListed,
  readAborted,
  readInitiated,
  readParts,
} from "../protocol/xml_multipart/xml_multipart_replies.ts";
import {
  abortRequest,
  completeRequest,
  initiateRequest,
  listPartsRequest,
  type MultipartUploadId,
} from "../protocol/xml_multipart/xml_multipart_requests.ts";
import { request } from "../upload/request.ts";
import type { StoredPart } from "./parallel_checkpoint.ts";

/** How requests are sent. */
export interface Sending {
  readonly transport: Transport;
  readonly headers: Headers;
  readonly policy: RetryPolicy;
  readonly signal: AbortSignal | undefined;
}

/** Starts an upload; `own` are headers of the object. */
export async function initiateUpload(
  objectUrl: string,
  contentType: string,
  own: Headers,
  { transport, headers: baseHeaders, policy, signal }: Sending,
): Promise<{ readonly uploadId: string; readonly reply: Reply }> {
  const headers = new Headers(baseHeaders);
  for (const [name, value] of own) headers.set(name, value);
  const { answer, reply } = await request(readInitiated, {
    transport,
    request: { ...initiateRequest(objectUrl, contentType, headers), body: "" },
    policy,
    signal,
    action: "initiate",
    isSession: false,
  });
  return { uploadId: answer.uploadId, reply };
}

/** Ends an upload without an object; one that is gone already is ended. */
export async function abortUpload(
  upload: MultipartUploadId,
  { transport, headers, policy, signal }: Sending,
): Promise<Reply> {
  const { reply } = await request(readAborted, {
    transport,
    request: { ...abortRequest(upload, headers), body: null },
    policy,
    signal,
    action: "abort",
    isSession: true,
  });
  return reply;
}

/** A page of a list. */
interface Listed {
  readonly answer: PartsListed;
  readonly reply: Reply;
}

/** A list that would go on for ever: a page that leads back to one which was read. */
export function endless({ response }: Reply): InvalidResponse {
  return new InvalidResponse(
    response,
    "Cannot read the list: expected the page behind the last one, got one again",
  );
}

/** All parts that are stored, page by page. */
export async function listParts(
  upload: MultipartUploadId,
  { transport, headers, policy, signal }: Sending,
): Promise<ListedPart[]> {
  const parts: ListedPart[] = [];
  for (let after: number | undefined = 0; after !== undefined;) {
    const { answer, reply }: Listed = await request(readParts, {
      transport,
      request: { ...listPartsRequest(upload, headers, { after }), body: null },
      policy,
      signal,
      action: "list the parts",
      isSession: true,
    });
    if (answer.next !== undefined && answer.next <= after) throw endless(reply);
    parts.push(...answer.parts);
    after = answer.next;
  }
  return parts;
}

/** Sends the numbers and the ETags of the parts, once. */
export async function sendCompletion(
  upload: MultipartUploadId,
  parts: readonly Pick<StoredPart, "number" | "tag">[],
  { transport, headers, policy, signal }: Sending,
): Promise<SendResult> {
  const named = parts.map(({ number, tag }) => ({ number, etag: tag }));
  const { body, ...head } = completeRequest(upload, named, headers);
  return await attempt(transport, { ...head, body }, policy, { signal, action: "complete" });
}

/** Asks once for a part, which only an upload that is open answers. */
export async function askOnce(
  upload: MultipartUploadId,
  { transport, headers, policy, signal }: Sending,
): Promise<SendResult> {
  const request = { ...listPartsRequest(upload, headers, { max: 1 }), body: null };
  return await attempt(transport, request, policy, { signal, action: "list the parts" });
}
