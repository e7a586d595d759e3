// Whether memory is flat.

import type { Sample } from "./workload.ts";

/** How much of the time is warm-up: caches fill, code is compiled, the heap finds its size. */
const WARM_UP = 0.35;

/** By how many bytes memory grows with each upload, by least squares over what follows the warm-up. */
export function growth(samples: readonly Sample[], of: "heap" | "rss"): number {
  const points = samples.slice(Math.floor(samples.length * WARM_UP));
  const mean = (value: (sample: Sample) => number) =>
    points.reduce((sum, sample) => sum + value(sample), 0) / points.length;
  const [x, y] = [mean((sample) => sample.uploads), mean((sample) => sample[of])];
  let [above, below] = [0, 0];
  for (const sample of points) {
    above += (sample.uploads - x) * (sample[of] - y);
    below += (sample.uploads - x) ** 2;
  }
  return below === 0 ? 0 : above / below;
}
