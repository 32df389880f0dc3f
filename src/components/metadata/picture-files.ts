// Where the pictures of a G-code file are: in the folder .thumbs next to it, under names made from its own.
import { cp, mkdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { ThumbnailEntry } from './types.ts'

/** The folder next to the G-code file. */
export const PICTURE_FOLDER = '.thumbs'

/**
 * The start of the names of a G-code file's pictures. Files that differ in their endings only, as part.gcode and
 * part.gco, have pictures of their own; clients know the names of part.gcode.
 */
export function pictureStem(gcodePath: string): string {
  const name = basename(gcodePath)
  const dot = name.lastIndexOf('.')
  if (dot < 1) return name
  const [stem, ending] = [name.slice(0, dot), name.slice(dot + 1)]
  return ending === 'gcode' ? stem : `${stem}~${ending}`
}

/** The path of a picture, from the folder of the G-code file. */
export function picturePath(gcodePath: string, ending: string): string {
  return `${PICTURE_FOLDER}/${pictureStem(gcodePath)}${ending}`
}

/** Removes pictures of a G-code file that was deleted or changed. */
export async function removePictures(
  gcodePath: string,
  entries: readonly Pick<ThumbnailEntry, 'relative_path'>[],
): Promise<void> {
  const folder = join(dirname(gcodePath), PICTURE_FOLDER)
  for (const { relative_path } of entries) await rm(join(folder, basename(relative_path)), { force: true })
}

/**
 * Gives the pictures of a G-code file that was renamed or moved their new names; returns the new entries. Rejects with
 * the system's error if one of them cannot be moved; those before it are moved then.
 */
export async function movePictures(
  from: string,
  to: string,
  entries: readonly ThumbnailEntry[],
): Promise<ThumbnailEntry[]> {
  const stem = `${PICTURE_FOLDER}/${pictureStem(from)}`
  const moved: ThumbnailEntry[] = []
  await mkdir(join(dirname(to), PICTURE_FOLDER), { recursive: true })
  for (const entry of entries) {
    const { relative_path } = entry
    if (!relative_path.startsWith(stem)) throw new Error(`unexpected name of a picture: ${relative_path}`)
    const renamed = picturePath(to, relative_path.slice(stem.length))
    await moveFile(join(dirname(from), relative_path), join(dirname(to), renamed))
    moved.push({ ...entry, relative_path: renamed })
  }
  return moved
}

async function moveFile(from: string, to: string): Promise<void> {
  try {
    await rename(from, to)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error
    await cp(from, to, { preserveTimestamps: true })
    await rm(from)
  }
}
