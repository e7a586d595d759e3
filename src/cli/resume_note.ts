/** What is said of a checkpoint that was found. */

import { UploadError } from "../errors.ts";
import type { ResumeEvent } from "../upload/kept_checkpoints.ts";
import { bytesText } from "./shown_text.ts";

/** In one sentence. */
export function resumeNote(event: ResumeEvent): string {
  if (event.resumed) return `going on after ${bytesText(event.persisted)}`;
  const { reason } = event;
  if (!(reason instanceof UploadError)) return "starting anew: this is another upload than before";
  switch (reason.code) {
    case "source_changed":
      return "starting anew: the file has changed since";
    case "session_gone":
      return "starting anew: the session has expired";
    default:
      return `starting anew: ${reason.code}`;
  }
}
