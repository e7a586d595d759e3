/** Results of APIs that answer with JSON or with text. */

import { isSuccess } from "../reply.ts";
import type { Resource } from "../resource.ts";

/**
 * A result in JSON, taken for a `T`; nothing is compared.
 *
 * @example
 * ```ts
 * import { json } from "@resumable-media/upload";
 *
 * const video = json<{ id: string }>();
 * console.log(video.read({ status: 201, headers: new Headers(), text: '{"id":"abc"}' })?.id); // abc
 * ```
 */
export function json<T>(): Resource<T> {
  return {
    expected: "a result as JSON",
    read({ status, text }) {
      if (!isSuccess(status)) return undefined;
      try {
        const value: unknown = JSON.parse(text);
        return isError(value) ? undefined : value as T;
      } catch {
        return undefined;
      }
    },
  };
}

/** `{"error": {…}}` under a success is no result. */
function isError(value: unknown): boolean {
  if (typeof value !== "object" || value === null || !("error" in value)) return false;
  return Object.keys(value).length === 1 && typeof value.error === "object";
}

/**
 * A result as text, such as the upload token of Photos; nothing is compared.
 *
 * @example
 * ```ts
 * import { text } from "@resumable-media/upload";
 *
 * console.log(text.read({ status: 200, headers: new Headers(), text: "token" })); // token
 * ```
 */
export const text: Resource<string> = {
  expected: "a result as text",
  read: ({ status, text }) => isSuccess(status) && text !== "" ? text : undefined,
};
