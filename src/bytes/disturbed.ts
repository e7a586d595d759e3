/** Whether somebody has read a stream before. */

/**
 * Whether a stream was read or cancelled, at any time by anybody: the platform tells by refusing it as a body. `false` for a
 * stream of another realm, which is no body here.
 */
export function isDisturbed(stream: ReadableStream): boolean {
  if (!(stream instanceof ReadableStream) || stream.locked) return false;
  try {
    new Response(stream);
    return false;
  } catch {
    return true;
  }
}
