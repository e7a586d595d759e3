// Requests of multipart uploads through the XML API, as tests send them.

import type { GcsEmulator } from "../../src/emulator/mod.ts";
import { ORIGIN } from "./helpers.ts";

/** 5 MiB, the smallest part that is not the last. */
export const PART = 5_242_880;
export const OBJECT: string = `${ORIGIN}/bucket/dir/n`;

/** Starts a multipart upload and gives its id. */
export async function initiate(
  gcs: GcsEmulator,
  headers: Record<string, string> = {},
  url: string = OBJECT,
): Promise<string> {
  const reply = await gcs.fetch(`${url}?uploads`, { method: "POST", headers });
  const text = await reply.text();
  if (reply.status !== 200) throw new Error(`${reply.status} ${text}`);
  return valueOf(text, "UploadId");
}

/** Sends a part. */
export function putPart(
  gcs: GcsEmulator,
  id: string,
  number: number | string,
  body: BodyInit | null,
  headers: Record<string, string> = {},
  url: string = OBJECT,
): Promise<Response> {
  return gcs.fetch(`${url}?partNumber=${number}&uploadId=${id}`, {
    method: "PUT",
    body,
    headers,
    ...(body instanceof ReadableStream && { duplex: "half" }),
  } as RequestInit);
}

/** Sends a part that is taken, and gives its entity tag. */
export async function stored(
  gcs: GcsEmulator,
  id: string,
  number: number,
  body: BodyInit,
  url: string = OBJECT,
): Promise<string> {
  const reply = await putPart(gcs, id, number, body, {}, url);
  if (reply.status !== 200) throw new Error(`${reply.status} ${await reply.text()}`);
  return reply.headers.get("etag")!;
}

/** The body that completes an upload. */
export function completeBody(parts: readonly (readonly [number: number, etag: string])[]): string {
  const elements = parts.map(([number, etag]) =>
    `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag></Part>`
  );
  return `<CompleteMultipartUpload>${elements.join("")}</CompleteMultipartUpload>`;
}

/** Completes an upload. */
export function complete(
  gcs: GcsEmulator,
  id: string,
  body: string | readonly (readonly [number: number, etag: string])[],
  headers: Record<string, string> = {},
  url: string = OBJECT,
): Promise<Response> {
  return gcs.fetch(`${url}?uploadId=${id}`, {
    method: "POST",
    body: typeof body === "string" ? body : completeBody(body),
    headers: { "content-type": "application/xml", ...headers },
  });
}

/** Aborts an upload. */
export function abort(gcs: GcsEmulator, id: string): Promise<Response> {
  return gcs.fetch(`${OBJECT}?uploadId=${id}`, { method: "DELETE" });
}

/** The text of the first element of that name. */
export function valueOf(xml: string, name: string): string {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1] ?? "";
}

/** The texts of all elements of that name. */
export function valuesOf(xml: string, name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, "g"))].map((match) => match[1]);
}

/** A refusal: "status Code: Message". */
export async function refusal(reply: Response | Promise<Response>): Promise<string> {
  const response = await reply;
  const text = await response.text();
  return `${response.status} ${valueOf(text, "Code")}: ${valueOf(text, "Message")}`;
}
