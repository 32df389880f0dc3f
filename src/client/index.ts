// A client for this API, typed by its contract. Runs in browsers and in Node.
export { type BatchCall, type BatchResults, type Client, connect, type Method } from './client.ts'
export { CallError, CallTimeout, ConnectionLost } from './errors.ts'
export type { DownloadOptions, Files, Uploaded, UploadOptions } from './files.ts'
export { Login, type LoginOptions, type Tokens } from './login.ts'
export type { ClientIdentity, ConnectOptions } from './options.ts'
export type { CallOptions, ClientEvents } from './session.ts'
export type { ChangeOf, ObjectRequest, StatusMirror, StatusOf } from './status-mirror.ts'
export type { OnProgress, UploadSource } from './send-upload.ts'
