// All portable cases of uploads, in one list.

import type { PortableCase } from "../case.ts";
import { aborts } from "./upload_abort.ts";
import { calls } from "./upload_call.ts";
import { checksums } from "./upload_checksums.ts";
import { classes } from "./upload_classes.ts";
import { faults } from "./upload_faults.ts";
import { manuals } from "./upload_manual.ts";
import { network } from "./upload_network.ts";
import { resumes } from "./upload_resume.ts";
import { sources } from "./upload_sources.ts";
import { streams } from "./upload_stream.ts";

/** Everything about uploads. */
export const uploads: PortableCase[] = [
  ...classes,
  ...checksums,
  ...sources,
  ...faults,
  ...manuals,
  ...resumes,
  ...aborts,
  ...calls,
  ...streams,
  ...network,
];
