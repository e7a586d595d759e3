/**
 * The resource `/retry_test`, through which a client on a socket asks for faults.
 *
 * @module
 */

import type { Incoming } from "../incoming.ts";
import { invalid, notFound, refuse, reply } from "../emulator_replies.ts";
import type { Instructions, RetryTests } from "./retry_tests.ts";

/** Serves `POST /retry_test`, and `GET` and `DELETE` of `/retry_test/{id}`. */
export async function serveRetryTest(
  tests: RetryTests,
  id: string | null,
  { method, body }: Incoming,
): Promise<Response> {
  const text = new TextDecoder().decode(await body.bytes());
  if (id === null && method === "POST") return create(tests, text);
  const test = id === null ? undefined : tests.get(id);
  if (!test) return refuse(notFound(`Retry Test ${id ?? ""} does not exist.`, "NotFound"));
  if (method === "GET") return json(test);
  if (method !== "DELETE") return refuse(invalid(`${method} of a Retry Test`));
  tests.delete(test.id);
  return reply(200, "text/html; charset=UTF-8", "");
}

function create(tests: RetryTests, text: string): Response {
  const read = readTest(text);
  const test = typeof read === "string" ? { problem: read } : tests.create(read);
  return "problem" in test ? refuse(invalid(`${test.problem} is not supported.`)) : json(test);
}

/** The instructions, or what is wrong with them. */
function readTest(text: string): Instructions | string {
  let test: { instructions?: unknown; transport?: unknown } | null;
  try {
    test = JSON.parse(text);
  } catch {
    return "A body that is not JSON";
  }
  const { instructions, transport = "HTTP" } = test ?? {};
  if (String(transport).toUpperCase() !== "HTTP") return `The requested transport <${transport}>`;
  const lists = typeof instructions === "object" ? Object.values(instructions ?? {}) : [];
  const valid = lists.length > 0 &&
    lists.every((list) => Array.isArray(list) && list.every((item) => typeof item === "string"));
  return valid ? instructions as Instructions : "A body without instructions";
}

function json(value: object): Response {
  return reply(200, "application/json; charset=UTF-8", JSON.stringify(value));
}
