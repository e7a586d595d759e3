/** What went wrong, in words: what happened, and what to do. */

import { InvalidResponse, UploadError } from "@resumable-media/upload";
import { bytes, typesInWords } from "./format.ts";
import type { PageSettings } from "./settings.ts";

/** What helps. */
export type Remedy =
  /** Go on from what is stored. */
  | "retry"
  /** Start again at the first byte. */
  | "restart"
  /** Choose the file again. */
  | "choose"
  /** Nothing: another file is needed, or another rule. */
  | "none";

/** Something that went wrong. */
export interface Problem {
  /** One sentence. */
  readonly what: string;
  /** What to do about it, one sentence or two. */
  readonly advice: string;
  readonly remedy: Remedy;
}

/** What the words may speak of. */
export interface Circumstances {
  readonly settings: Pick<PageSettings, "maxBytes" | "contentTypes">;
  readonly file: { readonly name: string; readonly size: number; readonly type: string };
}

/** The server that hands out tickets did not. */
export class TicketError extends Error {
  /** The HTTP status; `undefined` when it could not be reached. */
  readonly status: number | undefined;

  /** @param status the HTTP status; `undefined` when it could not be reached */
  constructor(status: number | undefined, options?: ErrorOptions) {
    super("No upload ticket", options);
    this.status = status;
  }
}

/** Words for an error. */
export function problemOf(error: unknown, about: Circumstances): Problem {
  if (error instanceof TicketError) return ticketTrouble(error.status);
  if (error instanceof UploadError) return uploadTrouble(error, about);
  if (error instanceof Error && /^Not(?:Readable|Found)Error$/.test(error.name)) {
    return {
      what: "The file cannot be read any more.",
      advice: "It was moved, changed or deleted. Choose it again to go on.",
      remedy: "choose",
    };
  }
  return {
    what: "Something went wrong that this page does not know.",
    advice: "Try again; if it stays like that, reload the page.",
    remedy: "retry",
  };
}

function ticketTrouble(status: number | undefined): Problem {
  if (status === undefined) return unreachable();
  if (status >= 500) return busy();
  return {
    what: "The server gave no permission to upload.",
    advice: "You may have to sign in again. Then try again.",
    remedy: "retry",
  };
}

function uploadTrouble(error: UploadError, about: Circumstances): Problem {
  switch (error.code) {
    case "transport_failed":
    case "deadline_exceeded":
      return unreachable();
    case "unavailable":
      return busy();
    case "session_gone":
    case "session_cancelled":
      return forgotten();
    case "source_changed":
      return {
        what: "This is not the file that the upload was begun with.",
        advice: `Choose “${about.file.name}” (${
          bytes(about.file.size)
        }) as it was then; a changed copy cannot go on.`,
        remedy: "choose",
      };
    case "source_size_mismatch":
      return {
        what: "The file changed while it was read.",
        advice: "Wait until nothing writes to it, then start again.",
        remedy: "restart",
      };
    case "data_corruption":
      return {
        what: "What arrived is not what was sent: the checksums differ.",
        advice: "Nothing of it is used. Start again from the beginning.",
        remedy: "restart",
      };
    case "precondition_failed":
      return {
        what: "There is an object of this name already.",
        advice: "It is left as it is. Start again to store the file under a new name.",
        remedy: "restart",
      };
    case "rejected":
      return refused(error instanceof InvalidResponse ? error.response.status : 0, error, about);
    default:
      return {
        what: "The server answered with something this page does not understand.",
        advice: "Start again; if it stays like that, the server needs attention.",
        remedy: "restart",
      };
  }
}

/** The proxy's rules, as the words of its replies tell them apart. */
function refused(status: number, error: Error, { settings, file }: Circumstances): Problem {
  if (status === 413) {
    return {
      what: "This file is too large.",
      advice: `It has ${bytes(file.size)}; up to ${bytes(settings.maxBytes)} are accepted.`,
      remedy: "none",
    };
  }
  if (status === 403 && error.message.includes("media type")) {
    return {
      what: `Files of this kind${file.type ? ` (${file.type})` : ""} are not accepted.`,
      advice: `Accepted are ${typesInWords(settings.contentTypes)}.`,
      remedy: "none",
    };
  }
  if (status === 401 || status === 403) {
    return {
      what: "The permission to upload this file was refused.",
      advice: "It may have run out. Start again to ask for a new one.",
      remedy: "restart",
    };
  }
  return {
    what: "The server refused the upload.",
    advice: "Start again; if it stays like that, the server needs attention.",
    remedy: "restart",
  };
}

/** Words for a client that tells no more than the status of the last reply; `undefined` where none came. */
export function problemOfStatus(status: number | undefined): Problem | undefined {
  if (status === undefined) return unreachable();
  if (status === 404 || status === 410) return forgotten();
  return status >= 500 ? busy() : undefined;
}

function forgotten(): Problem {
  return {
    what: "The server does not know this upload any more.",
    advice: "It keeps unfinished uploads for a week at most. Start again from the beginning.",
    remedy: "restart",
  };
}

function unreachable(): Problem {
  return {
    what: "The server cannot be reached.",
    advice: "What is stored is safe. Check the connection, then try again.",
    remedy: "retry",
  };
}

function busy(): Problem {
  return {
    what: "The server is too busy at the moment.",
    advice: "What is stored is safe. Wait a little, then try again.",
    remedy: "retry",
  };
}
