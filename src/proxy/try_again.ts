/** Trying again what no later request would do. */

/** The pauses between the tries, in milliseconds. */
const PAUSES = [250, 1000];

/** Does something, up to three times as long as it fails with what may pass. */
export async function insist<T>(
  action: () => Promise<T>,
  mayPass: (error: unknown) => boolean,
): Promise<T> {
  for (let attempt = 0;; attempt++) {
    try {
      return await action();
    } catch (error) {
      if (!mayPass(error) || attempt >= PAUSES.length) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSES[attempt]));
    }
  }
}
