import type { PortableCase } from "../case.ts";
import { checksums } from "./upload_checksums.ts";
import { classes } from "./upload_classes.ts";
import { faults } from "./upload_faults.ts";
import { sources } from "./upload_sources.ts";

/** Everything about uploads. */
export const uploads: PortableCase[] = [
  ...classes,
  ...checksums,
  ...sources,
  ...faults,
];
