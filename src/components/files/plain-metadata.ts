// Metadata without the metadata component: what the file system knows of a G-code file.
import { ApiError } from '../../core/errors.ts'
import type { Metadata, MetadataSource } from '../metadata/service.ts'
import { isGcodeName } from './gcode-name.ts'
import type { Roots } from './roots/roots.ts'

/** A source that reads no files: it replies with their size and time. */
export function plainMetadata(roots: Roots): MetadataSource {
  const describe = async (filename: string, missing: string): Promise<Metadata> => {
    const place = await roots.resolve(roots.get('gcodes'), filename)
    const stats = isGcodeName(filename) ? await roots.calls.find(place.absolute) : undefined
    if (stats?.isFile() !== true) throw new ApiError(404, missing)
    return { size: stats.size, modified: stats.mtimeMs / 1000, filename: place.relative }
  }
  return {
    metadata: filename => describe(filename, `Metadata not available for <${filename}>`),
    metascan: filename => describe(filename, `File '${filename}' does not exist`),
    thumbnails: () => Promise.resolve([]),
    prepare: () => Promise.resolve(),
    process: () => Promise.resolve(),
    details: () => undefined,
    known: () => new Map(),
  }
}
