// Receives the form of an upload: fields into memory, the file into a hidden one, whatever their order.
import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { ApiError } from '../../../core/errors.ts'
import type { StagedFile } from '../roots/staged-file.ts'
import { Multipart, type PartBody, type PartHead } from './multipart.ts'

/** Fields that mean something; all others are passed over, as slicers send their own. */
const FIELDS: ReadonlySet<string> = new Set(['root', 'path', 'print', 'select', 'checksum'])
const FILE = 'file'
/** Bytes of one field. */
const MAX_FIELD = 8192
/** Bytes of a form beside its file. */
const MAX_BESIDE = 256 * 1024
/** Milliseconds without a byte after which a client is given up. */
const STALL = 60_000

/** What an upload says of itself. */
export interface UploadForm {
  readonly fields: ReadonlyMap<string, string>
  /** The file's name as the form gives it. */
  readonly name: string
  readonly hidden: StagedFile
  /** SHA-256, hexadecimal. */
  readonly digest: string
}

/** What receiving depends on. */
export interface FormOptions {
  readonly maxBytes: number
  /** Begins the file; `root` is the field of that name, where it came before. Throws for a root that cannot take it. */
  readonly open: (root: string | undefined) => StagedFile
  /** Throws where the rest of the file, so many bytes, has no room on the disk. Called now and then. */
  readonly checkSpace: (remaining: number) => Promise<void>
}

/**
 * Resolves when the file is on the disk, under its hidden name. Throws ApiError: 400 for a damaged form, 408 for a
 * client that falls silent, 413 for a file that is too large, and what `options` throw; then nothing is left of it.
 */
export async function receiveForm(req: IncomingMessage, options: FormOptions): Promise<UploadForm> {
  const announced = Number(req.headers['content-length'] ?? 0)
  if (announced > options.maxBytes + MAX_BESIDE) throw tooLarge(options.maxBytes)
  const form = new Form(req.headers['content-type'] ?? '', options)
  try {
    await readBody(req, form, announced, options)
    return await form.finish()
  } catch (error) {
    await form.discard()
    throw error
  }
}

function tooLarge(maxBytes: number): ApiError {
  return new ApiError(
    413,
    `The file is too large: at most ${maxBytes} bytes ('max_upload_size' in section [server])`,
  )
}

/** Bytes after which the space on the disk is looked at again. */
const CHECK_EVERY = 64 * 1024 * 1024

async function readBody(
  req: IncomingMessage,
  form: Form,
  announced: number,
  { checkSpace }: FormOptions,
): Promise<void> {
  let received = 0
  let checked = 0
  await checkSpace(announced)
  req.setTimeout(STALL, () => req.destroy(new ApiError(408, 'The upload has stopped to arrive')))
  try {
    for await (const chunk of req.iterator({ destroyOnReturn: false })) {
      received += chunk.length
      form.write(chunk)
      if (form.full) await form.room()
      if (received - checked >= CHECK_EVERY) {
        checked = received
        await checkSpace(Math.max(0, announced - received))
      }
    }
  } catch (error) {
    // What else the request can fail with is that the client went away.
    throw req.errored === error && !(error instanceof ApiError)
      ? new ApiError(400, 'The upload broke off', { cause: error })
      : error
  } finally {
    req.setTimeout(0)
  }
}

/** The parts of one form while they come in. */
class Form {
  readonly #parser: Multipart
  readonly #options: FormOptions
  readonly #fields = new Map<string, string>()
  readonly #hash = createHash('sha256')
  #beside = 0
  #file: { readonly name: string; readonly hidden: StagedFile } | null = null

  constructor(contentType: string, options: FormOptions) {
    this.#options = options
    this.#parser = new Multipart(contentType, head => this.#begin(head))
  }

  write(chunk: Buffer): void {
    this.#parser.write(chunk)
  }

  get full(): boolean {
    return this.#file?.hidden.full ?? false
  }

  async room(): Promise<void> {
    await this.#file?.hidden.room()
  }

  async finish(): Promise<UploadForm> {
    this.#parser.end()
    if (this.#file === null)
      throw new ApiError(400, "The form has no file: a part named 'file' with a file name")
    const { name, hidden } = this.#file
    await hidden.finish()
    return { fields: this.#fields, name, hidden, digest: this.#hash.digest('hex') }
  }

  async discard(): Promise<void> {
    await this.#file?.hidden.discard()
  }

  #begin({ name, filename }: PartHead): PartBody {
    if (name === FILE) return this.#beginFile(filename)
    if (!FIELDS.has(name)) return { write: bytes => this.#count(bytes), end: () => {} }
    if (filename !== null)
      throw new ApiError(400, `The field '${name}' of the form must be a text, not a file`)
    if (this.#fields.has(name)) throw new ApiError(400, `The form has two fields '${name}'`)
    return this.#beginField(name)
  }

  #beginFile(filename: string | null): PartBody {
    if (this.#file !== null) throw new ApiError(400, 'The form has two files: upload them one by one')
    if (filename === null || filename.trim() === '') throw new ApiError(400, 'The upload has no file name')
    const hidden = this.#options.open(this.#fields.get('root'))
    this.#file = { name: filename, hidden }
    let size = 0
    return {
      write: bytes => {
        size += bytes.length
        if (size > this.#options.maxBytes) throw tooLarge(this.#options.maxBytes)
        // The disk works on what came before while this is hashed.
        this.#hash.update(bytes)
        hidden.write(bytes)
      },
      end: () => {},
    }
  }

  #beginField(name: string): PartBody {
    let text = Buffer.alloc(0)
    this.#fields.set(name, '')
    return {
      write: bytes => {
        text = Buffer.concat([text, bytes])
        if (text.length > MAX_FIELD) throw new ApiError(400, `The field '${name}' of the form is too long`)
      },
      end: () => void this.#fields.set(name, text.toString()),
    }
  }

  #count(bytes: Buffer): void {
    this.#beside += bytes.length
    if (this.#beside > MAX_BESIDE)
      throw new ApiError(413, 'The form has more beside its file than an upload needs')
  }
}
