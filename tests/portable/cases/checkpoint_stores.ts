import type { PortableCase } from "../case.ts";

export const checkpointStores: PortableCase[] = [];
