/** Files to what is no bucket: Drive, Gemini, YouTube, a session that was handed over. One after the other. */

import { createHash } from "node:crypto";
import type { UploadSource } from "../bytes/source.ts";
import { driveFile } from "../protocol/resources/drive_file.ts";
import { geminiFile } from "../protocol/resources/gemini_file.ts";
import { json } from "../protocol/resources/text.ts";
import { xGoogUpload } from "../protocol/x_goog_upload.ts";
import type { ResumeEvent } from "../upload/kept_checkpoints.ts";
import type { UploadOptions } from "../upload/settings.ts";
import { upload } from "../upload/upload.ts";
import type { UploadProgress } from "../upload/upload_options.ts";
import type { CpResult, CpRun, Planned } from "./cp_command.ts";
import { accessTo } from "./credentials.ts";
import { destinationText } from "./destination.ts";
import { DoneFiles, knownFile } from "./done_files.ts";
import { dryRun } from "./dry_run.ts";
import { concernsAll, EXIT, type ExitCode, exitCodeOf } from "./exit_code.ts";
import { type KeptOptions, KeptUpload } from "./kept_upload.ts";
import type { Outcome, Subject } from "./report.ts";
import { resumeNote } from "./resume_note.ts";
import { RunState } from "./run_state.ts";
import { keyOf } from "./state.ts";

/** Where one file goes, and how. */
type Options = UploadOptions<unknown>;

/** Uploads the files of a run. */
export async function toOthers(run: CpRun): Promise<CpResult> {
  const destination = shownOf(run);
  const subjectOf = ({ found }: Planned) => ({ source: found.shown, destination });
  if (run.options.dryRun) return await dryRun(run, subjectOf);
  return await new OthersRun(run, await senderOf(run)).finish(subjectOf);
}

function shownOf({ options: { target } }: CpRun): string {
  return target.kind === "session" ? "session" : destinationText(target);
}

/** What every file of a run has in common. */
interface Sender {
  readonly shown: string;
  /** What tells the destination from others, in the name of the checkpoint. */
  readonly key: string;
  /** The origin of the API; `undefined` for Google's own. */
  readonly endpoint: string | undefined;
  optionsFor(plan: Planned): Options;
}

async function senderOf(run: CpRun): Promise<Sender> {
  const { options: { target, endpoint: requestedEndpoint, title, privacy }, io } = run;
  const shown = shownOf(run);
  if (target.kind === "session") {
    const { url } = target;
    const key = `session:${createHash("sha256").update(url).digest("hex").slice(0, 16)}`;
    const protocol = /[?&]upload_protocol=resumable/.test(url) ? xGoogUpload : undefined;
    const options = { session: url, transport: io.fetch, protocol } as Options;
    return { shown, key, endpoint: undefined, optionsFor: () => options };
  }
  if (target.kind === "bucket") throw new TypeError("target: expected no bucket");
  const { transport, endpoint } = await accessTo(target.kind, requestedEndpoint, io);
  const to = (host: string, path: string) => `${endpoint ?? `https://${host}`}/upload/${path}`;
  const optionsFor = ({ found, name }: Planned): Options => {
    switch (target.kind) {
      case "drive": {
        const query =
          "supportsAllDrives=true&fields=id,name,mimeType,size,md5Checksum,sha256Checksum";
        const parents = target.folder === undefined ? {} : { parents: [target.folder] };
        return {
          url: to("www.googleapis.com", `drive/v3/files?uploadType=resumable&${query}`),
          metadata: { name, ...parents },
          resource: driveFile,
          transport,
        } as Options;
      }
      case "gemini":
        return {
          url: to("generativelanguage.googleapis.com", "v1beta/files"),
          metadata: { file: { displayName: name } },
          protocol: xGoogUpload,
          resource: geminiFile,
          transport,
        } as Options;
      case "youtube": {
        const bare = title ?? name.replace(/\.[^.]*$/, "");
        const path = "youtube/v3/videos?uploadType=resumable&part=snippet,status";
        return {
          url: to("www.googleapis.com", path),
          metadata: { snippet: { title: bare }, status: { privacyStatus: privacy } },
          resource: json<{ id: string }>(),
          contentType: found.contentType,
          transport,
        } as Options;
      }
    }
  };
  return { shown, key: shown, endpoint, optionsFor };
}

/** A run that uploads one file after the other. */
class OthersRun {
  readonly #run: CpRun;
  readonly #sender: Sender;
  readonly #state: RunState;
  readonly #codes = new Set<ExitCode>();
  readonly #numbers = { uploaded: 0, skipped: 0, failed: 0, bytes: 0 };
  #resumedFrom = 0;

  constructor(run: CpRun, sender: Sender) {
    this.#run = run;
    this.#sender = sender;
    this.#state = new RunState(run);
  }

  async finish(subjectOf: (plan: Planned) => Subject): Promise<CpResult> {
    const { stop } = this.#run;
    const manifest = await this.#state.manifest(this.#sender.endpoint);
    let error: unknown;
    try {
      await this.#sendAll(subjectOf, await DoneFiles.read(this.#sender.key, manifest));
    } catch (reason) {
      error = reason;
    }
    await manifest?.close(!stop.isAsked && error === undefined && this.#numbers.failed === 0);
    const isKept = stop.isAsked || manifest !== undefined || this.#codes.has(EXIT.interrupted);
    const isResumable = isKept && await this.#state.isResumable();
    const summary = { ...this.#numbers, isInterrupted: stop.isAsked, isResumable };
    return { summary, codes: this.#codes, error };
  }

  async #sendAll(subjectOf: (plan: Planned) => Subject, done: DoneFiles): Promise<void> {
    const { options, report, stop } = this.#run;
    for await (const plan of stop.before(this.#run.files())) {
      const subject = subjectOf(plan);
      const outcome = await this.#outcomeOf(plan, subject, done).catch((error): Outcome => ({
        status: "failed",
        error,
      }));
      if (outcome.status !== "failed") {
        report.ended(subject, outcome);
        continue;
      }
      const { error } = outcome;
      if (error instanceof ManifestFailure) throw error.cause;
      if (stop.isReason(error)) return;
      this.#numbers.failed++;
      this.#codes.add(exitCodeOf(error));
      const { path } = plan.found;
      if (path !== undefined) await done.addFailed({ path }, error);
      report.ended(subject, outcome);
      if (!options.continueOnError && concernsAll(error)) return;
    }
  }

  /** Uploads a file that is not done yet. */
  async #outcomeOf(plan: Planned, subject: Subject, done: DoneFiles): Promise<Outcome> {
    const { path, source: open } = plan.found;
    const source = await open();
    const file = knownFile(path, source);
    const kept = this.#kept(path, subject);
    if (file && done.has(file)) {
      await kept?.forget(); // left by a program that was killed when the file was done
      this.#numbers.skipped++;
      return { status: "skipped", reason: "manifest" };
    }
    const sending = this.#send(source, plan, kept?.options);
    const { object, size, resumedFrom } = await sending.catch(async (error) => {
      await kept?.forgetEnded();
      throw error;
    });
    if (file) await done.addUploaded(file, object).catch(ManifestFailure.from);
    await kept?.forgetEnded();
    this.#numbers.uploaded++;
    this.#numbers.bytes += size;
    this.#resumedFrom += resumedFrom;
    return { status: "uploaded", size, object };
  }

  /** Where a file stands, under its path. Its session tells that it is done until the manifest does. */
  #kept(path: string | undefined, subject: Subject): KeptUpload | undefined {
    if (!this.#run.options.resume || path === undefined) return undefined;
    const key = keyOf({ source: path, destination: this.#sender.key });
    const onResume = (event: ResumeEvent) => this.#run.report.note(subject, resumeNote(event));
    return new KeptUpload(key, this.#state, onResume);
  }

  async #send(
    source: UploadSource,
    plan: Planned,
    kept: KeptOptions | undefined,
  ): Promise<{ readonly object: unknown; readonly size: number; readonly resumedFrom: number }> {
    const { options, stop } = this.#run;
    let [size, resumedFrom] = [0, 0];
    const object = await upload(source, {
      ...this.#sender.optionsFor(plan),
      contentType: options.contentType ?? plan.found.contentType,
      checksum: options.checksum,
      signal: stop.signal,
      ...kept,
      onProgress: (progress) => {
        size = progress.persisted;
        resumedFrom = progress.resumedFrom;
        this.#progress(plan.name, progress);
      },
    } as Options);
    return { object, size, resumedFrom };
  }

  #progress(name: string, { sent, persisted, total, resumedFrom }: UploadProgress): void {
    const { options: { sources }, report } = this.#run;
    const { uploaded, skipped, failed, bytes } = this.#numbers;
    report.progress({
      files: { uploaded, skipped, failed, active: 1 },
      bytes: {
        sent: bytes + sent,
        persisted: bytes + persisted,
        resumedFrom: this.#resumedFrom + resumedFrom,
      },
      inFlight: [{ name, sent, persisted, total }],
    }, {
      files: uploaded + skipped + failed + 1,
      bytes: bytes + (total ?? sent),
      isWhole: sources.length === 1 && total !== undefined,
    });
  }
}

/** The manifest could not be written: that ends the run. */
class ManifestFailure extends Error {
  static from(this: void, cause: unknown): never {
    throw new ManifestFailure("The manifest cannot be written", { cause });
  }
}
