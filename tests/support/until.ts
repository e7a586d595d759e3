// Waiting for something that another process or a page does.

/** Something that takes longer does not come, however busy the machine is; in milliseconds. */
const LIMIT = 60_000;

/** Looks again and again until something holds; fails with `what` was waited for. */
export async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const end = Date.now() + LIMIT; !await holds();) {
    if (Date.now() > end) throw new Error(`Not within ${LIMIT / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
