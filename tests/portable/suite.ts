// The list of all portable cases, and the function that runs them in any runtime.

import { emulator } from "../emulator/portable.ts";
import { assert } from "./assert.ts";
import type { Context, PortableCase } from "./case.ts";
import { apiFaults } from "./cases/api_faults.ts";
import { apiGranularity } from "./cases/api_granularity.ts";
import { apiRandom } from "./cases/api_random.ts";
import { apiTargets } from "./cases/api_targets.ts";
import { auth } from "./cases/auth.ts";
import { bytes } from "./cases/bytes.ts";
import { directoryEntryCases } from "./cases/directory_entries.ts";
import { finishClosed } from "./cases/finish_closed.ts";
import { finishCors } from "./cases/finish_cors.ts";
import { finishProof } from "./cases/finish_proof.ts";
import { finishRedirect } from "./cases/finish_redirect.ts";
import { finishStartUrl } from "./cases/finish_start_url.ts";
import { handoffSessions } from "./cases/handoff_sessions.ts";
import { http } from "./cases/http.ts";
import { parallel } from "./cases/parallel.ts";
import { sourcesChanged } from "./cases/sources_changed.ts";
import { sourcesDisturbed } from "./cases/sources_disturbed.ts";
import { sourcesEmpty } from "./cases/sources_empty.ts";
import { sourcesIdentity } from "./cases/sources_identity.ts";
import { sourcesMediaType } from "./cases/sources_media_type.ts";
import { sourcesMemory } from "./cases/sources_memory.ts";
import { sourcesReleased } from "./cases/sources_released.ts";
import { sourcesTaken } from "./cases/sources_taken.ts";
import { optionArguments } from "./cases/options_arguments.ts";
import { optionMetadata } from "./cases/options_metadata.ts";
import { withoutRandomUuids } from "./cases/options_random_uuid.ts";
import { resumedProgress } from "./cases/progress_resumed.ts";
import { retryBudget } from "./cases/retry_budget.ts";
import { retryCallbacks } from "./cases/retry_callbacks.ts";
import { retryNever } from "./cases/retry_never.ts";
import { retryPipes } from "./cases/retry_pipe.ts";
import { retryPreconditions } from "./cases/retry_precondition.ts";
import { retryPrefixes } from "./cases/retry_prefix.ts";
import { secretErrors } from "./cases/secrets_errors.ts";
import { secretHeaders } from "./cases/secrets_headers.ts";
import { stretchRequests } from "./cases/stretch_requests.ts";
import { stretchFaults } from "./cases/stretch_faults.ts";
import { stretchStops } from "./cases/stretch_stops.ts";
import { stretchStalls } from "./cases/stretch_stall.ts";
import { stretchProgress } from "./cases/stretch_progress.ts";
import { stretchTransports } from "./cases/stretch_transports.ts";
import { stretchLimits } from "./cases/stretch_limits.ts";
import { stretchOneRequests } from "./cases/stretch_one_request.ts";
import { uploads } from "./cases/upload.ts";
import { xhr } from "./cases/xhr.ts";
import { xhrOffline } from "./cases/xhr_offline.ts";
import { checkpointStores } from "./cases/checkpoint_stores.ts";
import { manyUploads } from "./cases/upload_many.ts";

/** Every case, in the order of running. */
export const cases: PortableCase[] = [
  ...bytes,
  ...http,
  ...uploads,
  ...auth,
  ...sourcesChanged,
  ...sourcesDisturbed,
  ...sourcesEmpty,
  ...sourcesIdentity,
  ...sourcesMediaType,
  ...sourcesMemory,
  ...sourcesReleased,
  ...sourcesTaken,
  ...finishClosed,
  ...finishStartUrl,
  ...finishProof,
  ...finishCors,
  ...finishRedirect,
  ...retryBudget,
  ...retryCallbacks,
  ...retryNever,
  ...retryPipes,
  ...retryPreconditions,
  ...retryPrefixes,
  ...optionArguments,
  ...optionMetadata,
  ...withoutRandomUuids,
  ...secretErrors,
  ...secretHeaders,
  ...stretchRequests,
  ...stretchFaults,
  ...stretchStops,
  ...stretchStalls,
  ...stretchProgress,
  ...resumedProgress,
  ...stretchTransports,
  ...stretchLimits,
  ...stretchOneRequests,
  ...directoryEntryCases,
  ...emulator,
  ...apiGranularity,
  ...apiFaults,
  ...apiRandom,
  ...apiTargets,
  ...handoffSessions,
  ...checkpointStores,
  ...xhr,
  ...xhrOffline,
  {
    name: "a page has whatever a case needs, so that each one runs somewhere",
    run({ runtime }) {
      for (const needs of runtime === "chromium" ? cases.map(({ needs }) => needs) : []) {
        assert(needs === undefined || needs in globalThis, `${needs} is missing`);
      }
    },
  },
  ...manyUploads,
  ...parallel,
];

/** A case that takes longer hangs, however busy the machine is; in milliseconds. */
const CASE_LIMIT = 60_000;

/** A case that did not hold. */
export interface Failure {
  /** The rule. */
  name: string;
  /** What was found instead, with a stack where there is one. */
  message: string;
}

/** What a runtime found. */
export interface Report {
  /** Which runtime. */
  runtime: string;
  /** How many cases hold. */
  passed: number;
  /** How many do not. */
  failed: number;
  /** How many need what this runtime does not have. */
  elsewhere: number;
  /** Those that do not hold. */
  failures: Failure[];
  /** How long the cases took, without the start of the runtime. */
  milliseconds: number;
}

/** Runs every case, one after the other. Resolves whatever they do. */
export async function run(context: Context, all: PortableCase[] = cases): Promise<Report> {
  const failures: Failure[] = [];
  const asked = all.filter(({ name }) => name.includes(context.only ?? ""));
  const chosen = asked.filter(({ needs }) => needs === undefined || needs in globalThis);
  const start = Date.now();
  for (const { name, run } of chosen) {
    try {
      await within(CASE_LIMIT, async () => await run(context));
    } catch (error) {
      failures.push({ name, message: describe(error) });
    }
  }
  return {
    runtime: context.runtime,
    passed: chosen.length - failures.length,
    failed: failures.length,
    elsewhere: asked.length - chosen.length,
    failures,
    milliseconds: Date.now() - start,
  };
}

async function within(limit: number, task: () => Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`still running after ${limit} ms`)), limit);
  });
  try {
    await Promise.race([task(), late]);
  } finally {
    clearTimeout(timer);
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return `thrown: ${error}`;
  const title = `${error.name}: ${error.message}`;
  const stack = error.stack ?? "";
  return stack.includes(error.message) ? stack : `${title}\n${stack}`;
}
