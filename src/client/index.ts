// A client for this API, typed by its contract. Runs in browsers and in Node.
export { type BatchCall, type BatchResults, type Client, connect, type Method } from './client.ts'
export { CallError, CallTimeout, ConnectionLost } from './errors.ts'
export type { DownloadOptions, Files, Uploaded, UploadOptions } from './files.ts'
export {
  Fleet,
  type FleetCommandOptions,
  type FleetJobFilter,
  type FleetOrder,
  type FleetPrinterFilter,
  type FleetUploadOptions,
  type StoredFile,
} from './fleet/fleet.ts'
export type { FleetChange, FleetMirror, FleetMirrorEvents } from './fleet/fleet-mirror.ts'
export type { JobFollowing } from './fleet/follow-jobs.ts'
export { Login, type LoginOptions, type Tokens } from './login.ts'
export type { ClientIdentity, ConnectOptions } from './options.ts'
export type { OnProgress, UploadSource } from './send-upload.ts'
export type { CallOptions, ClientEvents } from './session.ts'
export type { ChangeOf, ObjectRequest, StatusMirror, StatusOf } from './status-mirror.ts'
export { Workshop } from './workshop/workshop.ts'
export type {
  WorkshopChange,
  WorkshopMirror,
  WorkshopMirrorEvents,
  WorkshopPrinter,
} from './workshop/workshop-mirror.ts'
