/** All codes of errors, for tests that go through them. */

import type { UploadErrorCode } from "../../mod.ts";

/** Each code; one that is missing does not compile. */
const CODES: Readonly<Record<UploadErrorCode, true>> = {
  invalid_state: true,
  invalid_response: true,
  rejected: true,
  precondition_failed: true,
  session_gone: true,
  session_cancelled: true,
  unavailable: true,
  transport_failed: true,
  deadline_exceeded: true,
  data_corruption: true,
  source_size_mismatch: true,
  source_changed: true,
  invalid_checkpoint: true,
  parts_left_behind: true,
};

/** The codes. */
export const ERROR_CODES = Object.keys(CODES) as readonly UploadErrorCode[];
