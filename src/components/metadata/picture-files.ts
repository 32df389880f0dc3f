// Where the pictures of a G-code file are: in the folder .thumbs next to it, under names made from its own.
import { rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { ThumbnailEntry } from './types.ts'

/** The folder next to the G-code file. */
export const PICTURE_FOLDER = '.thumbs'

/** Removes the pictures of a G-code file that was deleted, renamed or changed. */
export async function removePictures(gcodePath: string, entries: readonly ThumbnailEntry[]): Promise<void> {
  const folder = join(dirname(gcodePath), PICTURE_FOLDER)
  for (const { relative_path } of entries) await rm(join(folder, basename(relative_path)), { force: true })
}
