// The picture of the file in print, and the time that its slicer estimated.
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { MetadataSource } from '../../metadata/service.ts'

/** The largest picture, in bytes: the broker stores it. */
const MAX_BYTES = 64 * 1024

/** The largest PNG of a file that is small enough; null for a file without one. */
export async function readThumbnail(
  metadata: MetadataSource,
  gcodes: string,
  filename: string,
): Promise<Buffer | null> {
  const found = (await metadata.thumbnails(filename))
    .filter(({ size, thumbnail_path: path }) => size <= MAX_BYTES && path.toLowerCase().endsWith('.png'))
    .sort((a, b) => b.size - a.size)[0]
  if (found === undefined) return null
  const file = await open(join(gcodes, found.thumbnail_path))
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_BYTES + 1), 0, MAX_BYTES + 1)
    return bytesRead > MAX_BYTES ? null : buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

/** The seconds that the slicer estimated for a file; null if it is unknown. */
export async function readEstimate(metadata: MetadataSource, filename: string): Promise<number | null> {
  const { estimated_time: seconds } = await metadata.metadata(filename)
  return typeof seconds === 'number' ? seconds : null
}
