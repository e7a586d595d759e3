/** What the replies of an API mean, by the protocol that it speaks. Nothing of a refusal is said on but its status. */

import { type Refusal, serverError } from "../../protocol/refusal.ts";
import type { SessionQuestion, UploadProtocol } from "../../protocol/upload_protocol.ts";
import { parseFields } from "../said_twice.ts";
import { badGateway } from "../http_error.ts";
import type { FinishedObject, Outcome, Refused } from "../outcome.ts";
import type { UpstreamReply } from "../upstream.ts";

/** Reads the result of an upload. */
export type ResultReader = (
  result: Readonly<Record<string, unknown>>,
) => FinishedObject | undefined;

/** The reply to a request on a session. */
export function outcomeOf(
  protocol: UploadProtocol,
  reply: UpstreamReply,
  question: SessionQuestion,
  read: ResultReader,
): Outcome {
  const answer = protocol.answer(reply, question);
  switch (answer.kind) {
    case "stored":
      return { kind: "stored", persisted: answer.persisted, crc32c: answer.crc32c };
    case "finished": {
      const object = resultOf(reply.text, read);
      // It may have been cut short: asked again, the API says it again.
      if (!object) throw badGateway("The API's reply shows no file", !answer.isCertain);
      return { kind: "finished", object };
    }
    case "no_result":
      if (question.asked === "chunk") return { kind: "stored", persisted: undefined };
      throw badGateway("The API's reply does not say how the upload stands");
    default:
      return refusedBy(answer, reply);
  }
}

function resultOf(text: string, read: ResultReader): FinishedObject | undefined {
  let object: FinishedObject | undefined;
  try {
    object = read(parseFields(text));
  } catch {
    return undefined;
  }
  return object && Number.isSafeInteger(object.size) ? object : undefined;
}

/** The reply to a start that has opened nothing. */
export function refusedStart(refusal: Refusal, reply: UpstreamReply): Refused {
  const { status } = reply;
  const isCredentials = status === 401 || status === 403 ||
    serverError(reply.text)?.reason === "API_KEY_INVALID";
  if (isCredentials && refusal.kind !== "unavailable") {
    throw badGateway("The API refused the proxy's credentials", false);
  }
  const outcome = refusedBy(refusal, reply);
  if (outcome.kind === "refused") return outcome;
  throw badGateway(`The API answered with an unexpected status, ${status}`, false);
}

/** Google's words for statuses. */
const REASONS: Readonly<Record<number, string>> = {
  403: "forbidden",
  404: "notFound",
  409: "conflict",
  410: "gone",
  412: "conditionNotMet",
  413: "uploadTooLarge",
  429: "rateLimitExceeded",
};

function refusedBy(refusal: Refusal, reply: UpstreamReply): Outcome {
  const { status } = reply;
  const final = (said: number): Refused => ({
    kind: "refused",
    status: said,
    reason: REASONS[said] ?? "invalid",
    message: `The API refused the request with status ${status}`,
    isFinal: true,
  });
  switch (refusal.kind) {
    case "cancelled":
      return { kind: "cancelled" };
    case "unavailable":
    case "gap": // what is stored has to be asked for, in either case
      return unavailable(reply);
    case "gone":
      return final(status === 410 ? 410 : 404);
    case "precondition":
      return final(412);
    case "malformed":
    case "no_result":
      throw badGateway("The API answered with what its protocol does not know", false);
    default:
      // What ends a session for good must not look as if it might pass.
      return final(status >= 400 && status <= 499 && status !== 401 ? status : 410);
  }
}

function unavailable(reply: UpstreamReply): Refused {
  const wait = reply.headers.get("retry-after") ?? "";
  const isRate = reply.status === 429 || reply.status === 403;
  return {
    kind: "refused",
    status: isRate ? 429 : 503,
    reason: isRate ? "rateLimitExceeded" : "backendError",
    message: isRate
      ? "The API limits the rate of requests"
      : "The API cannot be asked at the moment",
    retryAfter: /^\d{1,6}$/.test(wait) ? Number(wait) : 5,
  };
}
