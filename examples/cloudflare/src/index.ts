export { default } from "@resumable-media/upload/worker";
