import type { PortableCase } from "../case.ts";
import { sources } from "./upload_sources.ts";

/** Everything about uploads. */
export const uploads: PortableCase[] = [
  ...sources,
];
