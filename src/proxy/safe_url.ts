/** URLs to which secrets may go. */

/** Names and addresses of this machine. */
const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/;

/** Whether it is an https URL, or one of this machine, without a password in it. */
export function isSafeUrl(text: unknown): boolean {
  const url = typeof text === "string" && URL.canParse(text) ? new URL(text) : undefined;
  const isSafe = url?.protocol === "https:" ||
    (url?.protocol === "http:" && LOOPBACK.test(url.hostname));
  return isSafe && !url.username && !url.password;
}
