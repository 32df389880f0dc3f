// Uploads: streamed to a hidden file in the target's file system, checked, made durable, and only then visible.
import { createHash, randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, open, rename, rm, stat } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Busboy } from '@fastify/busboy'
import { ApiError, messageOf } from '../../core/errors.ts'
import type { Place, Roots } from './roots.ts'

/** Text fields of the form: `root`, `path`, `print`, `checksum`, and what clients add. */
const FIELD_LIMITS = { fields: 20, fieldSize: 8192, files: 1, headerPairs: 50 }

/** A file that has arrived. */
export interface Uploaded {
  readonly place: Place
  /** Whether a file of that name was there before. */
  readonly replaced: boolean
  readonly print: boolean
}

/** The parts of the form while they come in. */
interface Form {
  readonly fields: Map<string, string>
  file: { readonly name: string; readonly digest: string } | null
}

/** Takes in uploads. Hidden files are kept in `folder`, which stands in the same file system as the roots. */
export class Uploads {
  readonly #roots: Roots
  readonly #folder: string
  readonly #maxBytes: number

  constructor(roots: Roots, folder: string, maxBytes: number) {
    this.#roots = roots
    this.#folder = folder
    this.#maxBytes = maxBytes
  }

  /** Removes what an interrupted server left behind. */
  async start(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true })
  }

  /**
   * Receives one upload. Throws ApiError 400 for a damaged form or a bad target, 403 for a root that may not
   * be written, 413 for a file that is too large, 422 for a wrong checksum; then nothing is left of it.
   */
  async receive(req: IncomingMessage): Promise<Uploaded> {
    await mkdir(this.#folder, { recursive: true })
    const hidden = join(this.#folder, randomUUID())
    try {
      return await this.#place(await this.#readForm(req, hidden), hidden)
    } finally {
      await rm(hidden, { force: true })
    }
  }

  #readForm(req: IncomingMessage, hidden: string): Promise<Form> {
    return new Promise((resolve, reject) => {
      const form: Form = { fields: new Map(), file: null }
      let writing: Promise<void> = Promise.resolve()
      const fail = (error: unknown) => {
        req.unpipe()
        reject(
          error instanceof ApiError ? error : new ApiError(400, `The form is damaged: ${messageOf(error)}`),
        )
      }
      const parser = this.#parser(req)
      parser.on('field', (name, value) => void form.fields.set(name, value))
      parser.on('file', (_field, stream, name) => {
        writing = this.#write(stream, hidden).then(digest => {
          form.file = { name: name ?? '', digest }
        })
        writing.catch(fail)
      })
      parser.on('error', fail)
      parser.on('finish', () => writing.then(() => resolve(form), fail))
      req.on('aborted', () => fail(new Error('the client hung up')))
      req.on('error', fail)
      req.pipe(parser)
    })
  }

  #parser(req: IncomingMessage) {
    const type = req.headers['content-type'] ?? ''
    if (!/^multipart\/form-data\s*;.*boundary=/i.test(type)) {
      throw new ApiError(400, 'An upload must be multipart/form-data with a boundary')
    }
    if (Number(req.headers['content-length'] ?? 0) > this.#maxBytes + 65_536) throw this.#tooLarge()
    return new Busboy({
      headers: { ...req.headers, 'content-type': type },
      limits: { ...FIELD_LIMITS, fileSize: this.#maxBytes },
      highWaterMark: 128 * 1024,
      fileHwm: 128 * 1024,
    })
  }

  #tooLarge(): ApiError {
    return new ApiError(
      413,
      `The file is too large: at most ${this.#maxBytes} bytes ('max_upload_size' in section [server])`,
    )
  }

  async #write(stream: Readable & { truncated?: boolean }, hidden: string): Promise<string> {
    const digest = createHash('sha256')
    stream.on('data', chunk => digest.update(chunk))
    await pipeline(stream, createWriteStream(hidden, { flags: 'wx', flush: true }))
    if (stream.truncated === true) throw this.#tooLarge()
    return digest.digest('hex')
  }

  async #place({ fields, file }: Form, hidden: string): Promise<Uploaded> {
    if (file === null) throw new ApiError(400, 'The form has no file')
    const expected = fields.get('checksum')?.toLowerCase()
    if (expected !== undefined && expected !== file.digest) {
      throw new ApiError(
        422,
        `File checksum mismatch: expected ${expected.slice(0, 100)}, got ${file.digest}`,
      )
    }
    const place = await this.#target(fields, file.name)
    const replaced = await isFile(place.absolute)
    await mkdir(dirname(place.absolute), { recursive: true })
    await rename(hidden, place.absolute)
    await syncFolder(dirname(place.absolute))
    return { place, replaced, print: fields.get('print')?.toLowerCase() === 'true' }
  }

  async #target(fields: ReadonlyMap<string, string>, name: string): Promise<Place> {
    const root = this.#roots.get(fields.get('root')?.toLowerCase() || 'gcodes')
    if (!root.writable) throw new ApiError(403, `Files of root '${root.name}' may not be written`)
    const place = await this.#roots.resolve(root, `${fields.get('path') ?? ''}/${name}`)
    if (name.trim() === '' || name.endsWith('/')) throw new ApiError(400, 'The upload has no file name')
    return place
  }
}

async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  if (found?.isDirectory()) throw new ApiError(400, 'A folder has the name of the upload')
  return found !== undefined
}

/** Makes the new name durable. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
