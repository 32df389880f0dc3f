// What the server's own methods return about files that can be printed, and what OctoPrint's replies contain of it.
import type { Core } from '../../component/component.ts'
import { ApiError } from '../../core/errors.ts'
import { callMethod } from '../../rpc/call-method.ts'
import type { Caller } from '../../rpc/caller.ts'

/** The metadata of a file, as far as OctoPrint's replies contain it. Bytes, seconds, mm. */
export interface FileFacts {
  readonly size?: number
  readonly modified?: number
  readonly estimated_time?: number
  readonly filament_total?: number
}

/** The metadata of a file below gcodes; undefined without one. Throws ApiError for a path that cannot be a file. */
export async function factsOf(core: Core, filename: string, caller: Caller): Promise<FileFacts | undefined> {
  try {
    return (await callMethod(core, 'server.files.metadata', { filename }, caller)) as FileFacts
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined
    throw error
  }
}

/** A file in OctoPrint's form. */
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
