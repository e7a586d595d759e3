// What a page imports that uploads to a session of its server; bundled by Vite and by esbuild.

import { uploadToSession } from "@resumable-media/upload";

/** Uploads, and says how much is stored. */
export const send = async (file, session, transport) => {
  const object = await uploadToSession(file, session, { transport });
  return object.size;
};
