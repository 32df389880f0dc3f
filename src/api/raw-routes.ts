// HTTP routes outside the calling scheme, for the OpenAPI document: their bodies are no `{"result": …}`.
import { bool, choice, type JsonSchema, json, object, record, string } from '../schema/index.ts'
import { UploadReply } from './files.ts'
import { octoprintRoutes } from './octoprint.ts'

/** One route as the document tells it. `path` is a template, as OpenAPI writes it. */
export interface RawRouteDocument {
  readonly verb: 'GET' | 'POST' | 'DELETE'
  readonly path: string
  readonly id: string
  readonly tag: string
  readonly summary: string
  /** The request's body by its media type. */
  readonly body?: Readonly<Record<string, JsonSchema>>
  /** The status of a success. */
  readonly status: number
  /** The body of a success by its media type. */
  readonly reply: Readonly<Record<string, JsonSchema>>
}

const FILE: JsonSchema = { type: 'string', format: 'binary' }

const JSON_RPC: JsonSchema = {
  ...object({
    jsonrpc: choice('2.0'),
    method: string(),
    params: record(json()).optional(),
    id: json().describe('A number or a text, which the reply repeats; without it there is none').optional(),
  }).json,
  examples: [{ jsonrpc: '2.0', method: 'server.info', id: 1 }],
}

const UPLOAD: JsonSchema = {
  type: 'object',
  required: ['file'],
  properties: {
    file: FILE,
    root: string().default('gcodes').json,
    path: string().describe('A folder below the root; made where it does not exist').default('').json,
    // An empty example: pages that fill in a form for trying would give a text that is no checksum.
    checksum: {
      ...string().describe('SHA-256 of the file, hexadecimal; 422 where it differs').json,
      examples: [''],
    },
    print: bool().describe('gcodes only: print the file').default(false).json,
  },
}

const FILES = 'File Operations'

/** Every raw route; the document names those that the server serves. */
export const rawRoutes: readonly RawRouteDocument[] = [
  {
    verb: 'POST',
    path: '/server/jsonrpc',
    id: 'jsonrpc',
    tag: 'Server Administration',
    summary: 'JSON-RPC over HTTP: one call or a batch of them; the status is 200 whatever the answer',
    body: { 'application/json': { anyOf: [JSON_RPC, { type: 'array', items: JSON_RPC }] } },
    status: 200,
    reply: { 'application/json': json().describe('Empty for notifications').json },
  },
  {
    verb: 'GET',
    path: '/openapi.json',
    id: 'openapi',
    tag: 'Service Discovery',
    summary: 'This document',
    status: 200,
    reply: { 'application/json': record(json()).json },
  },
  {
    verb: 'GET',
    path: '/openrpc.json',
    id: 'openrpc',
    tag: 'Service Discovery',
    summary: 'The same for JSON-RPC, as OpenRPC',
    status: 200,
    reply: { 'application/json': record(json()).json },
  },
  {
    verb: 'GET',
    path: '/server/zeroconf/ssdp',
    id: 'server.zeroconf.ssdp',
    tag: 'Service Discovery',
    summary: 'The server as a UPnP device',
    status: 200,
    reply: { 'application/xml': string().json },
  },
  {
    verb: 'POST',
    path: '/server/files/upload',
    id: 'server.files.upload',
    tag: FILES,
    summary: 'Upload a file',
    body: { 'multipart/form-data': UPLOAD },
    status: 201,
    reply: { 'application/json': UploadReply.json },
  },
  {
    verb: 'GET',
    path: '/server/files/{root}/{filename}',
    id: 'server.files.download',
    tag: FILES,
    summary: 'Download a file; single ranges are answered',
    status: 200,
    reply: { 'application/octet-stream': FILE },
  },
  {
    verb: 'DELETE',
    path: '/server/files/{root}/{filename}',
    id: 'server.files.delete_file.delete',
    tag: FILES,
    summary: 'Delete a file',
    status: 200,
    reply: { 'application/json': object({ result: record(json()) }).json },
  },
  {
    verb: 'GET',
    path: '/server/files/klippy.log',
    id: 'server.files.klippy_log',
    tag: FILES,
    summary: "Download Klipper's log",
    status: 200,
    reply: { 'text/plain': FILE },
  },
  {
    verb: 'GET',
    path: '/server/files/moonraker.log',
    id: 'server.files.moonraker_log',
    tag: FILES,
    summary: "Download the server's log",
    status: 200,
    reply: { 'text/plain': FILE },
  },
  ...octoprintRoutes,
]
