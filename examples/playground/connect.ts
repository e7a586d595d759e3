/// <reference lib="dom" />
/** Starts the service worker that plays the servers, or says why it cannot be. */

/** What the page waits for: the worker, or the reason why there is none, as one sentence or two. */
export async function connect(): Promise<void> {
  const reason = whyNot();
  if (reason) throw new Error(reason);
  const { serviceWorker } = navigator;
  try {
    const registration = await serviceWorker.register("./worker.js", { scope: "./" });
    const { active, waiting, installing } = registration;
    if (!active) await activated(waiting ?? installing!);
  } catch {
    throw new Error(
      "This browser refuses the service worker. Some do in private windows, or where a site may store nothing.",
    );
  }
  if (serviceWorker.controller) return;
  const { active } = await serviceWorker.ready;
  await new Promise<void>((resolve) => {
    serviceWorker.addEventListener("controllerchange", () => resolve(), { once: true });
    active?.postMessage("claim"); // a page that was loaded past the worker is not its own
  });
}

/** Waits until a worker is at work; rejects if it cannot be, because there is no room for its files for instance. */
function activated(worker: ServiceWorker): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = () => {
      if (worker.state === "activated") resolve();
      if (worker.state === "redundant") reject(new Error("The worker could not be installed"));
    };
    worker.addEventListener("statechange", look);
    look();
  });
}

function whyNot(): string | undefined {
  if (!isSecureContext) {
    return "This page came over plain http, from another machine. Browsers offer service workers to https and to this machine (localhost) only.";
  }
  if (!("serviceWorker" in navigator)) {
    return "This browser offers no service workers. Some do not in private windows.";
  }
  if (!streamsBodies()) {
    return "This browser does not hand the bodies of requests to service workers as streams, as Chromium does.";
  }
  return undefined;
}

/** Whether a worker can read the body of a request while it comes, and hand it on. */
function streamsBodies(): boolean {
  if (!("body" in Request.prototype)) return false;
  let asked = false;
  const { headers } = new Request("https://playground.example/", {
    method: "POST",
    body: new ReadableStream(),
    get duplex() {
      asked = true;
      return "half";
    },
  } as RequestInit);
  return asked && !headers.has("content-type"); // else the stream was taken for a text
}
