/** What the code that the page shows has of the library. */

export { upload, xGoogUpload } from "@resumable-media/upload";
export { indexedDbCheckpoints } from "@resumable-media/upload/checkpoints";
