/** Files to a bucket, by uploadMany. */

import { inParts } from "../parallel/in_parts.ts";
import type { UploadManyItem } from "../parallel/item.ts";
import type { UploadManyOptions, UploadManyResult } from "../parallel/many_options.ts";
import { uploadMany } from "../parallel/upload_many.ts";
import type { CpResult, CpRun, Planned } from "./cp_command.ts";
import type { CpOptions } from "./cp_options.ts";
import { type Access, accessTo } from "./credentials.ts";
import { destinationText } from "./destination.ts";
import { dryRun } from "./dry_run.ts";
import { concernsAll, EXIT, type ExitCode, exitCodeOf } from "./exit_code.ts";
import { TotalsCounter } from "./totals.ts";
import type { Outcome, Subject } from "./report.ts";
import { resumeNote } from "./resume_note.ts";
import { RunState } from "./run_state.ts";
import { keyOf } from "./state.ts";

/** A file of a run. */
interface Item extends UploadManyItem {
  readonly subject: Subject;
}

/** How large a file is that `--parallel` uploads in parts, in bytes. */
const PARALLEL_ABOVE = 64 * 1024 * 1024;

/** Uploads the files of a run. */
export async function toBucket(run: CpRun): Promise<CpResult> {
  return run.options.dryRun
    ? await dryRun(run, (plan) => subjectOf(run, plan))
    : await new BucketRun(run).finish();
}

/** Whether a file of the run can be in parts: what an earlier run has begun so goes on so. */
function isPartable({ checksum }: CpOptions): boolean {
  return checksum !== "md5" && checksum !== "sha256";
}

function subjectOf({ options: { target } }: CpRun, { found, name }: Planned): Subject {
  const destination = target.kind === "bucket" ? destinationText({ ...target, path: name }) : name;
  return { source: found.shown, destination };
}

/** A run that uploads. */
class BucketRun {
  readonly #run: CpRun;
  readonly #state: RunState;
  readonly #codes = new Set<ExitCode>();
  readonly #totals: TotalsCounter;
  #failed = 0;

  constructor(run: CpRun) {
    this.#run = run;
    this.#state = new RunState(run);
    const isSeen = run.io.stderr.isTTY && !run.options.json && !run.options.quiet;
    this.#totals = new TotalsCounter(run, isSeen);
  }

  async finish(): Promise<CpResult> {
    const { stop } = this.#run;
    const base = await this.#options();
    const record = await this.#state.manifest(base.endpoint);
    const { previous, write } = record ?? {};
    const uploading = uploadMany(this.#items(), { ...base, manifest: { previous, write } });
    let error: unknown;
    try {
      await uploading;
    } catch (reason) {
      if (!stop.isReason(reason) && !(reason instanceof Ended)) error = reason;
    }
    this.#totals.stop();
    const isInterrupted = stop.isAsked;
    const isComplete = !isInterrupted && error === undefined && this.#failed === 0;
    await record?.close(isComplete);
    const { uploaded, skipped, bytes } = uploading.summary;
    const isKept = isInterrupted || record !== undefined || this.#codes.has(EXIT.interrupted);
    const isResumable = isKept && await this.#state.isResumable();
    const summary = { uploaded, skipped, failed: this.#failed, bytes, isInterrupted, isResumable };
    return { summary, codes: this.#codes, error };
  }

  async #options(): Promise<UploadManyOptions<Item> & Pick<Access, "endpoint">> {
    const { options, io, report, stop } = this.#run;
    const { target, ticket, resume } = options;
    if (target.kind !== "bucket") throw new TypeError("target: expected a bucket");
    const { transport, endpoint } = ticket === undefined
      ? await accessTo("bucket", options.endpoint, io)
      : { transport: io.fetch, endpoint: options.endpoint };
    return {
      bucket: target.bucket,
      endpoint,
      transport,
      concurrency: options.concurrency,
      ...(ticket === undefined && isPartable(options) && {
        large: inParts({ above: options.parallel ? PARALLEL_ABOVE : Infinity }),
      }),
      skipExisting: options.noClobber,
      checksum: options.checksum,
      contentType: options.contentType,
      metadata: options.metadata,
      ifGenerationMatch: options.ifGenerationMatch,
      repeatable: true,
      startHeaders: ticket === undefined ? undefined : { authorization: `Bearer ${ticket}` },
      signal: stop.signal,
      ...(resume && {
        checkpoints: this.#state.checkpoints,
        onCheckpointError: (error: unknown) => this.#state.cannotKeep(error),
        onResume: (event, { subject }) => report.note(subject, resumeNote(event)),
      }),
      onProgress: (progress) => report.progress(progress, this.#totals.including(progress)),
      onResult: (result) => this.#ended(result),
    };
  }

  async *#items(): AsyncGenerator<Item, undefined> {
    for await (const plan of this.#run.files()) {
      const { found, name } = plan;
      const { path, source, size, lastModified, contentType } = found;
      const subject = subjectOf(this.#run, plan);
      const { destination } = subject;
      yield {
        name,
        source,
        size,
        lastModified,
        contentType: this.#run.options.contentType ?? contentType,
        ...(path !== undefined && { key: keyOf({ source: path, destination }) }),
        subject,
      };
    }
  }

  #ended(result: UploadManyResult<Item>): void {
    const { report, stop, options } = this.#run;
    if (result.status !== "failed") {
      report.ended(result.item.subject, outcomeOf(result));
      return;
    }
    const { error } = result;
    if (stop.isReason(error) || error instanceof Ended || isAbort(error)) return;
    this.#failed++;
    this.#codes.add(exitCodeOf(error));
    const isOfBucket = options.ticket === undefined;
    report.ended(result.item.subject, { status: "failed", error, isOfBucket });
    if (!options.continueOnError && concernsAll(error)) throw new Ended();
  }
}

/** The run has ended because of a failure that was told already. */
class Ended extends Error {}

/** What a file that was stopped because of another one fails with. */
function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

function outcomeOf(result: Exclude<UploadManyResult<Item>, { status: "failed" }>): Outcome {
  if (result.status === "skipped") return { status: "skipped", reason: result.reason };
  const { object } = result;
  return { status: "uploaded", size: Number(object.size), object };
}
