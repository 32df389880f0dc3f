// Reads the files of a message: one path or URL on each line, such as a thumbnail or a camera's snapshot.
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { basename, extname, resolve } from 'node:path'
import { messageOf } from '../../core/errors.ts'
import type { HttpClient } from '../../core/http-client.ts'
import type { Attachment } from './message.ts'

/** Bytes of a file; services accept 5 to 50 MB. */
const MAX_BYTES = 8 * 1024 * 1024
/** Files of a message. */
const MAX_FILES = 5
/** Seconds until a camera has sent its picture. */
const TIMEOUT = 10

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.gif': 'image/gif',
  '.webp': 'image/webp',
  '.mp4': 'video/mp4',
  '.txt': 'text/plain',
  '.log': 'text/plain',
}

/** Where attachments come from. */
export interface AttachmentSource {
  readonly http: HttpClient
  /** Relative paths start here. */
  readonly folder: string
  /** Receives the reason for each file that is left out. */
  readonly warn: (text: string) => void
}

/** Reads the files of the lines of `text`. A file that cannot be read is left out. */
export async function readAttachments(text: string, source: AttachmentSource): Promise<Attachment[]> {
  const lines = text
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '')
  if (lines.length > MAX_FILES) source.warn(`only the first ${MAX_FILES} attachments are sent`)
  const read = lines.slice(0, MAX_FILES).map(async line => {
    try {
      return [await (/^https?:/i.test(line) ? fetchFile(line, source) : readLocal(line, source))]
    } catch (error) {
      source.warn(`attachment '${withoutCredentials(line)}' is left out: ${messageOf(error)}`)
      return []
    }
  })
  return (await Promise.all(read)).flat()
}

async function fetchFile(url: string, { http }: AttachmentSource): Promise<Attachment> {
  const reply = await http.send({ url, timeoutSeconds: TIMEOUT, maxBytes: MAX_BYTES })
  if (reply.status < 200 || reply.status >= 300) throw new Error(`the server replied ${reply.status}`)
  const mediaType = reply.headers['content-type']?.split(';')[0]?.trim() || 'application/octet-stream'
  const name = basename(new URL(url).pathname) || 'attachment'
  const ending = Object.keys(MEDIA_TYPES).find(key => MEDIA_TYPES[key] === mediaType) ?? ''
  // A service shows a picture only under the name of one.
  const hasEnding = extname(name) !== '' || !mediaType.startsWith('image/')
  return { name: hasEnding ? name : `${name}${ending}`, mediaType, data: reply.body }
}

async function readLocal(path: string, { folder }: AttachmentSource): Promise<Attachment> {
  // A pipe would block one of the threads for files.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK
  const file = await open(resolve(folder, path.replace(/^file:\/\//, '')), flags)
  try {
    const info = await file.stat()
    if (!info.isFile()) throw new Error('not a regular file')
    if (info.size > MAX_BYTES) throw new Error(`larger than ${MAX_BYTES / 1024 / 1024} MiB`)
    const mediaType = MEDIA_TYPES[extname(path).toLowerCase()] ?? 'application/octet-stream'
    return { name: basename(path), mediaType, data: await file.readFile() }
  } finally {
    await file.close()
  }
}

function withoutCredentials(line: string): string {
  return line.replace(/\/\/[^/@\s]*@/, '//')
}
