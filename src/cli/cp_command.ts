/** `cp`: uploads what the arguments name. */

import { resolve } from "node:path";
import { type CpOptions, cpOptions } from "./cp_options.ts";
import { below, destinationText, isContainer } from "./destination.ts";
import { EXIT, type ExitCode, exitCodeOf } from "./exit_code.ts";
import { helpOf } from "./help.ts";
import type { Io } from "./io.ts";
import { JsonReport } from "./json_report.ts";
import type { Report, Summary } from "./report.ts";
import { Stop } from "./stop.ts";
import { toBucket } from "./to_bucket.ts";
import { toOthers } from "./to_others.ts";
import { filesOf, type Found, isSeveral, namesIn, STDIN } from "./sources.ts";
import { TextReport } from "./text_report.ts";
import { UsageError } from "./usage_error.ts";

/** A file, and the name it gets. */
export interface Planned {
  readonly found: Found;
  /** The name of the object; for other destinations that of the file. */
  readonly name: string;
}

/** A run: what it is about, and who hears of it. */
export interface CpRun {
  readonly options: CpOptions;
  readonly io: Io;
  readonly report: Report;
  readonly stop: Stop;
  /** The files, anew with each call. Names from standard input can be read once. */
  readonly files: () => AsyncIterable<Planned>;
  /** Whether there may be more than one. */
  readonly isSeveral: boolean;
  /** The sources as they are kept: absolute. */
  readonly key: string;
}

/** What a run came to. */
export interface CpResult {
  readonly summary: Summary;
  /** What went wrong with files. */
  readonly codes: ReadonlySet<ExitCode>;
  /** What has ended the run early. */
  readonly error?: unknown;
}

/** Runs `cp`; returns the exit code. */
export async function cp(args: readonly string[], io: Io): Promise<ExitCode> {
  const options = await cpOptions(args, io);
  if (!options) {
    io.stdout.write(helpOf("cp"));
    return EXIT.ok;
  }
  const report = options.json
    ? new JsonReport(io)
    : new TextReport(io, { quiet: options.quiet, now: Date.now });
  const stop = new Stop(io, () => report.close(undefined));
  try {
    const run = await runOf(options, io, report, stop);
    const result = options.target.kind === "bucket" ? await toBucket(run) : await toOthers(run);
    report.close(result.summary);
    if (result.error !== undefined) report.failed(result.error);
    return codeOf(result);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    report.close(undefined);
    report.failed(error);
    return exitCodeOf(error);
  } finally {
    stop.release();
  }
}

/** One code for all: that which every failure has, or 1. */
function codeOf({ summary, codes, error }: CpResult): ExitCode {
  if (summary.isInterrupted) return EXIT.interrupted;
  const all = new Set([...codes, ...error === undefined ? [] : [exitCodeOf(error)]]);
  all.delete(EXIT.ok);
  if (all.size === 0) return EXIT.ok;
  const [first] = all;
  return all.size === 1 && first !== EXIT.usage ? first : EXIT.failed;
}

async function runOf(options: CpOptions, io: Io, report: Report, stop: Stop): Promise<CpRun> {
  const { sources, namesEnd, target, recursive } = options;
  const several = namesEnd !== undefined || sources.length > 1 ||
    await isSeveral(sources[0], io.cwd);
  const isFolder = several || (target.kind === "bucket" && isContainer(target));
  const rules = { cwd: io.cwd, recursive, keepsFolderName: isFolder, stdin: io.stdin };
  if (isFolder && target.kind === "bucket" && sources.includes(STDIN)) {
    throw new UsageError(
      `DEST: expected the name of the object, since ${STDIN} has none, got ${
        destinationText(target)
      }`,
    );
  }
  if (several && recursive && sources.some((source) => /(?:^|[/\\])\.{1,2}[/\\]*$/.test(source))) {
    throw new UsageError(
      "SOURCE: expected no . or .. beside other sources: names could be the same",
    );
  }
  const nameOf = (found: Found) => {
    if (target.kind !== "bucket") return found.name === STDIN ? "stdin" : found.name;
    return isFolder || found.isInFolder ? below(target.path, found.name) : target.path;
  };
  const names = namesEnd === undefined ? undefined : namesIn(io.stdin(), namesEnd);
  return {
    options,
    io,
    report,
    stop,
    async *files() {
      for await (const found of filesOf(names ?? sources, rules)) {
        yield { found, name: nameOf(found) };
      }
    },
    isSeveral: several || recursive,
    key: JSON.stringify(
      namesEnd === undefined ? sources.map((source) => resolve(io.cwd, source)) : ["-I", io.cwd],
    ),
  };
}
