// What the server's own methods tell of files that can be printed, and what of it OctoPrint tells.
import type { Core } from '../../component/component.ts'
import { ApiError } from '../../core/errors.ts'
import { JsonText } from '../../core/json-text.ts'
import type { Caller } from '../../rpc/caller.ts'

/** What the metadata says of a file, as far as OctoPrint's clients are told. Bytes, seconds, mm. */
export interface FileFacts {
  readonly size?: number
  readonly modified?: number
  readonly estimated_time?: number
  readonly filament_total?: number
}

/** Calls a method of the API: its own checks hold, and what it does is announced as its own. */
export async function callMethod(
  { registry }: Core,
  method: string,
  params: object,
  caller: Caller,
): Promise<unknown> {
  const result = await registry.call(method, params, { ...caller, transport: 'internal' })
  return result instanceof JsonText ? result.toJSON() : result
}

/** What is known of a file below gcodes; nothing where there is none. Throws ApiError for a path that can be none. */
export async function factsOf(core: Core, filename: string, caller: Caller): Promise<FileFacts | undefined> {
  try {
    return (await callMethod(core, 'server.files.metadata', { filename }, caller)) as FileFacts
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined
    throw error
  }
}

/** What OctoPrint tells of a file. */
export function fileOf(filename: string, { size, modified }: FileFacts) {
  const name = filename.slice(filename.lastIndexOf('/') + 1)
  return {
    name,
    display: name,
    path: filename,
    origin: 'local',
    ...(size !== undefined && { size }),
    ...(modified !== undefined && { date: Math.floor(modified) }),
  }
}
