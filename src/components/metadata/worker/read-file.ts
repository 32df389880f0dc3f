// The job "read": what a file contains, and its pictures next to it.
import { scanFile } from '../scan.ts'
import { packagePicture, writePictures } from '../write-pictures.ts'
import type { JobHandler } from './jobs.ts'

/** Reads one file. The metadata is reported first: it is complete, however long the pictures take. */
export const readFile: JobHandler<'read'> = async ({ path, isKnown }, report) => {
  const { metadata, thumbnails, notes } = await scanFile(path)
  report({ metadata, pictures: [], notes })
  const mayBePackage = thumbnails.length === 0 && metadata.slicer === 'Cura'
  const pictures = await (mayBePackage ? packagePicture(path, isKnown) : writePictures(path, thumbnails))
  return { metadata, pictures: pictures.entries, notes: [...notes, ...pictures.notes] }
}
