// What reads, rewrites and draws: loaded when the first file comes, since a server at rest needs none of it.
export { processObjects } from './objects/process.ts'
export { scanFile } from './scan.ts'
export { removeThumbnails, useExtractedThumbnail, writeThumbnails } from './write-thumbnails.ts'
