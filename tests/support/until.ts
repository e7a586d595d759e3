// Waiting for something that another process or a page does.

/** Something that takes longer does not come, however busy the machine is; in milliseconds. */
const LIMIT = 60_000;

/** Looks again and again until something holds; fails with `what` was waited for, or with what there is instead. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  what: string | (() => string),
): Promise<void> {
  for (const end = Date.now() + LIMIT; !await holds();) {
    if (Date.now() > end) {
      const told = typeof what === "string" ? what : what();
      throw new Error(`Not within ${LIMIT / 1000} s: ${told}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
