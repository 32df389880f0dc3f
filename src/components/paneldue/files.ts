// The replies about G-code files: folders (M20), one file (M36).
import type { Core } from '../../component/component.ts'
import { callMethod } from '../../rpc/call-method.ts'
import { FILES_ROOT } from './protocol.ts'

/** Characters of the names in a reply: the panel has memory for fewer, and 57600 baud need 6 s for them. */
const MAX_NAMES = 32 * 1024

type Reply = Readonly<Record<string, unknown>>

/** A folder below gcodes, '' for gcodes itself: `*` precedes the names of folders. Rejects with ApiError without it. */
export async function folderReply(core: Core, folder: string): Promise<Reply> {
  const params = { path: `gcodes/${folder}` }
  const listing = await callMethod(core, 'server.files.get_directory', params)
  const names = [
    ...listing.dirs.map(({ dirname }) => `*${dirname}`),
    ...listing.files.map(({ filename }) => filename),
  ].filter(name => !/^\*?\./.test(name))
  return { dir: folder === '' ? FILES_ROOT : `${FILES_ROOT}/${folder}`, files: limited(names.sort()) }
}

function limited(names: readonly string[]): readonly string[] {
  let total = 0
  const end = names.findIndex(name => {
    total += name.length
    return total > MAX_NAMES
  })
  return end === -1 ? names : names.slice(0, end)
}

/** A file below gcodes. */
export async function fileReply(core: Core, filename: string): Promise<Reply> {
  try {
    return describe(await callMethod(core, 'server.files.metadata', { filename }))
  } catch {
    return { err: 1 }
  }
}

function describe(metadata: Reply): Reply {
  const {
    size,
    modified,
    slicer,
    slicer_version,
    object_height,
    layer_height,
    filament_total,
    estimated_time,
  } = metadata
  return {
    err: 0,
    size,
    lastModified: localTime(Number(modified)),
    ...(typeof slicer === 'string' && {
      generatedBy: [slicer, slicer_version].filter(part => typeof part === 'string').join(' '),
    }),
    ...(typeof object_height === 'number' && { height: object_height }),
    ...(typeof layer_height === 'number' && { layerHeight: layer_height }),
    ...(typeof filament_total === 'number' && { filament: [filament_total] }),
    ...(typeof estimated_time === 'number' && { printTime: Math.floor(estimated_time) }),
  }
}

/** As 2026-11-30T04:47:41: the panel shows it with a space in place of T. */
function localTime(seconds: number): string {
  const date = new Date(seconds * 1000)
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000)
  return local.toISOString().slice(0, 19)
}
