/** `--dry-run`: what would be uploaded, and nothing else. */

import type { CpResult, CpRun, Planned } from "./cp_command.ts";
import type { Subject } from "./report.ts";

/** Tells of each file. */
export async function dryRun(
  { files, report, stop }: CpRun,
  subjectOf: (plan: Planned) => Subject,
): Promise<CpResult> {
  const planned = { files: 0, bytes: 0 };
  for await (const plan of stop.before(files())) {
    report.ended(subjectOf(plan), { status: "planned", size: plan.found.size });
    planned.files++;
    planned.bytes += plan.found.size ?? 0;
  }
  const summary = { uploaded: 0, skipped: 0, failed: 0, bytes: 0, planned, isResumable: false };
  return { summary: { ...summary, isInterrupted: stop.isAsked }, codes: new Set() };
}
