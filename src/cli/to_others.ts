/** Files to what is no bucket: Drive, Gemini, YouTube, a session that was handed over. One after the other. */

import { createHash } from "node:crypto";
import type { CheckpointStore } from "../upload/kept_checkpoints.ts";
import type { UploadOptions } from "../upload/settings.ts";
import { upload } from "../upload/upload.ts";
import { driveFile } from "../protocol/resources/drive_file.ts";
import { geminiFile } from "../protocol/resources/gemini_file.ts";
import { json } from "../protocol/resources/text.ts";
import { xGoogUpload } from "../protocol/x_goog_upload.ts";
import type { CpResult, CpRun, Planned } from "./cp_command.ts";
import { accessTo } from "./credentials.ts";
import { destinationText } from "./destination.ts";
import { concernsAll, EXIT, type ExitCode, exitCodeOf } from "./exit_code.ts";
import type { Subject } from "./report.ts";
import { resumeNote } from "./resume_note.ts";
import { keyOf, State } from "./state.ts";

/** Where one file goes, and how. */
type Options = UploadOptions<unknown>;

/** Uploads the files of a run. */
export async function toOthers(run: CpRun): Promise<CpResult> {
  const { options, report, stop } = run;
  const sender = options.dryRun ? undefined : await senderOf(run);
  const codes = new Set<ExitCode>();
  const numbers = { uploaded: 0, skipped: 0, failed: 0, bytes: 0 };
  const planned = { files: 0, bytes: 0 };
  let resumedFrom = 0;
  for await (const plan of stop.before(run.files())) {
    const subject = { source: plan.found.shown, destination: sender?.shown ?? shownOf(run) };
    if (!sender) {
      report.ended(subject, { status: "planned", size: plan.found.size });
      planned.files++;
      planned.bytes += plan.found.size ?? 0;
      continue;
    }
    try {
      const before = { ...numbers, resumedFrom };
      const { value, size, ...sent } = await send(run, plan, subject, sender, before);
      numbers.uploaded++;
      numbers.bytes += size;
      resumedFrom += sent.resumedFrom;
      report.ended(subject, { status: "uploaded", size, object: value });
    } catch (error) {
      if (stop.isReason(error)) break;
      numbers.failed++;
      codes.add(exitCodeOf(error));
      report.ended(subject, { status: "failed", error });
      if (!options.continueOnError && concernsAll(error)) break;
    }
  }
  const isKept = stop.isAsked || codes.has(EXIT.interrupted);
  const isResumable = options.resume && isKept && !options.sources.includes("-");
  const summary = { ...numbers, isInterrupted: stop.isAsked, isResumable };
  return { summary: options.dryRun ? { ...summary, planned } : summary, codes };
}

function shownOf({ options: { target } }: CpRun): string {
  return target.kind === "session" ? "session" : destinationText(target);
}

/** What every file of a run has in common. */
interface Sender {
  readonly shown: string;
  /** What tells the destination from others, in the name of the checkpoint. */
  readonly key: string;
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
    return { shown, key, optionsFor: () => options };
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
  return { shown, key: shown, optionsFor };
}

async function send(
  { options, io, report, stop }: CpRun,
  plan: Planned,
  subject: Subject,
  sender: Sender,
  before: {
    readonly uploaded: number;
    readonly failed: number;
    readonly bytes: number;
    readonly resumedFrom: number;
  },
): Promise<{ readonly value: unknown; readonly size: number; readonly resumedFrom: number }> {
  const { path, source: open, contentType } = plan.found;
  const source = await open();
  const key = path === undefined ? undefined : keyOf({ source: path, destination: sender.key });
  let [size, resumedFrom] = [0, 0];
  const value = await upload(source, {
    ...sender.optionsFor(plan),
    contentType: options.contentType ?? contentType,
    checksum: options.checksum,
    signal: stop.signal,
    ...(options.resume && key !== undefined && {
      key,
      checkpoints: new State(io.env).checkpoints as CheckpointStore,
      onCheckpointError: (error: unknown) =>
        report.note(subject, `cannot keep where it stands: ${error}`),
      onResume: (event) => report.note(subject, resumeNote(event)),
    }),
    onProgress: ({ sent, persisted, total, ...progress }) => {
      size = persisted;
      resumedFrom = progress.resumedFrom;
      const { uploaded, failed } = before;
      const inFlight = [{ name: plan.name, sent, persisted, total }];
      report.progress({
        files: { uploaded, skipped: 0, failed, active: 1 },
        bytes: {
          sent: before.bytes + sent,
          persisted: before.bytes + persisted,
          resumedFrom: before.resumedFrom + resumedFrom,
        },
        inFlight,
      }, {
        files: uploaded + failed + 1,
        bytes: before.bytes + (total ?? sent),
        isWhole: options.sources.length === 1 && total !== undefined,
      });
    },
  } as Options);
  return { value, size, resumedFrom };
}
