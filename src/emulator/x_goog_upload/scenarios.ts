/**
 * The failure scenarios of Google's reference server, which a client asks for at the start of an upload.
 *
 * @module
 */

import type { Fault } from "../faults/faults.ts";
import type { RequestKind } from "../record.ts";
import type { Session } from "../storage/stored_session.ts";

/** A scenario as the headers of a start name it. */
export interface Scenario {
  readonly name: string;
  readonly errorCode: number;
  readonly failureCount: number;
  readonly afterOffset: number;
  /** Whether chunks go on to fail after so many failures. */
  readonly terminates: boolean;
  /** Whose failures at the start are counted together. */
  readonly client: string;
  /** The granularity of the session, if it is not the usual one. */
  readonly granularity?: number;
}

/** Scenarios, and how often each has failed. */
export class Scenarios {
  #starts = new Map<string, number>();
  #sessions = new WeakMap<Session, { readonly scenario: Scenario; failures: number }>();

  /** The scenario that a start asks for, if it asks for one. */
  of(headers: Headers): Scenario | null {
    const name = headers.get("x-goog-test-scenario");
    if (name === null || name === "happy_path") return null;
    const config = configOf(headers.get("x-goog-test-scenario-config"));
    const fatal = name === "fatal_error_on_start";
    return {
      name,
      errorCode: Number(config.error_code ?? 503) || (fatal ? 403 : 503),
      failureCount: Number(config.failure_count ?? 1),
      afterOffset: Number(config.after_offset ?? 0),
      terminates: config.action_after_failures === "terminate",
      client: String(config.client_uuid ?? ""),
      ...(name === "chunk_granularity" && { granularity: 256 }),
    };
  }

  /** Makes a session fail as its scenario says. */
  follow(session: Session, scenario: Scenario): void {
    this.#sessions.set(session, { scenario, failures: 0 });
  }

  /** What a scenario does to a request. */
  take(kind: RequestKind, headers: Headers, session: Session | undefined): Fault | null {
    if (kind === "initiate") return this.#atStart(this.of(headers));
    const followed = session && this.#sessions.get(session);
    if (!followed) return null;
    const { name, afterOffset, failureCount, errorCode, terminates } = followed.scenario;
    const sends = kind === "chunk" || kind === "final";
    const offset = Number(headers.get("x-goog-upload-offset") ?? 0);
    const applies = name === "non_fatal_error_on_query"
      ? kind === "status"
      : name === "non_fatal_error_on_chunk_upload" && sends && offset >= afterOffset;
    if (!applies) return null;
    if (followed.failures++ < failureCount) {
      const what = kind === "status" ? "query" : "chunk upload";
      return error(errorCode, `Injected non-fatal ${what} error`, "active");
    }
    return sends && terminates ? error(500, "Scenario requested termination") : null;
  }

  /** Forgets all failures. */
  reset(): void {
    this.#starts.clear();
    this.#sessions = new WeakMap();
  }

  #atStart(scenario: Scenario | null): Fault | null {
    if (scenario?.name === "fatal_error_on_start") {
      return error(scenario.errorCode, "Injected fatal start error");
    }
    if (scenario?.name !== "non_fatal_error_on_start") return null;
    const failures = this.#starts.get(scenario.client) ?? 0;
    const fails = failures < scenario.failureCount;
    this.#starts.set(scenario.client, fails ? failures + 1 : 0);
    return fails ? error(scenario.errorCode, "Injected non-fatal start error") : null;
  }
}

function configOf(text: string | null): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text ?? "{}") ?? {};
  } catch {
    return {};
  }
}

function error(status: number, body: string, uploadStatus?: string): Fault {
  return {
    status,
    body,
    headers: {
      "content-type": "text/plain",
      ...(uploadStatus && { "x-goog-upload-status": uploadStatus }),
    },
  };
}
