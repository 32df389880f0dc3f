// Receives the form of an upload: fields into memory, the file into a staging file, in any order.
import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Clock } from '../../../core/clock.ts'
import { ApiError } from '../../../core/errors.ts'
import type { StagedFile } from '../roots/staged-file.ts'
import { MultipartParser, type PartBody, type PartHeader } from './multipart-parser.ts'

/**
 * The text fields that the server reads, by name only: httpx and requests give them a file name too. It ignores all
 * others: slicers send their own.
 */
const FIELDS: ReadonlySet<string> = new Set(['root', 'path', 'print', 'warnings', 'select', 'checksum'])
const FILE = 'file'
/** Bytes of one field. */
const MAX_FIELD = 8192
/** Bytes of a form in addition to its file. */
const MAX_OTHER = 256 * 1024
/** Milliseconds without a byte after which the server gives up. */
const IDLE_TIMEOUT = 60_000
/** Seconds over which the rate of an upload is measured. */
const RATE_PERIOD = 10
/** Bytes per second below which an upload gives its place to others that wait. */
const MIN_RATE = 32 * 1024

/** A received form. */
export interface UploadForm {
  readonly fields: ReadonlyMap<string, string>
  /** The file's name as in the form. */
  readonly name: string
  readonly file: StagedFile
  /** SHA-256, hexadecimal. */
  readonly digest: string
}

/** What the receiver depends on. */
export interface FormOptions {
  readonly maxBytes: number
  /** Creates the staging file; `root` is the field, if it came before the file. Throws if the root cannot be written. */
  readonly create: (root: string | undefined) => StagedFile
  /** Throws if the disk has no space for the remaining bytes. Called from time to time. */
  readonly checkSpace: (remaining: number) => Promise<void>
  readonly clock: Clock
  /** Whether other uploads wait for a place. */
  readonly othersWait: () => boolean
}

/**
 * Resolves when the staging file is durable. Throws ApiError: 400 for a damaged form, 408 if the client stops sending, or
 * sends slowly while others wait, 413 if the file is too large, and what `options` throw; then no staging file remains.
 */
export async function receiveForm(req: IncomingMessage, options: FormOptions): Promise<UploadForm> {
  const announced = Number(req.headers['content-length'] ?? 0)
  if (announced > options.maxBytes + MAX_OTHER) throw tooLarge(options.maxBytes)
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

/** Bytes between checks of the free space. */
const CHECK_EVERY = 64 * 1024 * 1024

async function readBody(
  req: IncomingMessage,
  form: Form,
  announced: number,
  { checkSpace, clock, othersWait }: FormOptions,
): Promise<void> {
  let received = 0
  let checked = 0
  let measured = 0
  let isDiskSlow = false
  const measuring = clock.every(RATE_PERIOD, () => {
    const isSlow = received - measured < MIN_RATE * RATE_PERIOD && !isDiskSlow
    measured = received
    isDiskSlow = false
    if (isSlow && othersWait())
      req.destroy(new ApiError(408, 'The upload is too slow while other uploads wait'))
  })
  req.setTimeout(IDLE_TIMEOUT, () => req.destroy(new ApiError(408, 'The client stopped sending the upload')))
  try {
    await checkSpace(announced)
    for await (const chunk of req.iterator({ destroyOnReturn: false })) {
      received += chunk.length
      form.write(chunk)
      if (form.full) {
        isDiskSlow = true
        await form.room()
      }
      if (received - checked >= CHECK_EVERY) {
        checked = received
        await checkSpace(Math.max(0, announced - received))
      }
    }
  } catch (error) {
    // The other errors of the request mean that the client disconnected.
    throw req.errored === error && !(error instanceof ApiError)
      ? new ApiError(400, 'The client disconnected during the upload', { cause: error })
      : error
  } finally {
    measuring.stop()
    req.setTimeout(0)
  }
}

/** Collects the parts of one form. */
class Form {
  readonly #parser: MultipartParser
  readonly #options: FormOptions
  readonly #fields = new Map<string, string>()
  readonly #hash = createHash('sha256')
  #otherBytes = 0
  #file: StagedFile | null = null
  #fileName = ''

  constructor(contentType: string, options: FormOptions) {
    this.#options = options
    this.#parser = new MultipartParser(contentType, header => this.#onPart(header))
  }

  write(chunk: Buffer): void {
    this.#parser.write(chunk)
  }

  get full(): boolean {
    return this.#file?.full ?? false
  }

  async room(): Promise<void> {
    await this.#file?.room()
  }

  async finish(): Promise<UploadForm> {
    this.#parser.end()
    if (this.#file === null)
      throw new ApiError(400, "The form has no file: a part named 'file' with a file name")
    await this.#file.finish()
    const digest = this.#hash.digest('hex')
    return { fields: this.#fields, name: this.#fileName, file: this.#file, digest }
  }

  async discard(): Promise<void> {
    await this.#file?.discard()
  }

  #onPart({ name, filename }: PartHeader): PartBody {
    if (name === FILE) return this.#startFile(filename)
    if (!FIELDS.has(name)) return { write: bytes => this.#count(bytes), end: () => {} }
    if (this.#fields.has(name)) throw new ApiError(400, `The form has two fields '${name}'`)
    return this.#startField(name)
  }

  #startFile(filename: string | null): PartBody {
    if (this.#file !== null) throw new ApiError(400, 'The form has two files: upload them one by one')
    if (filename === null || filename.trim() === '') throw new ApiError(400, 'The upload has no file name')
    const file = this.#options.create(this.#fields.get('root'))
    this.#file = file
    // Klipper cannot print a file whose name starts or ends with a blank.
    this.#fileName = filename.trim()
    let size = 0
    return {
      write: bytes => {
        size += bytes.length
        if (size > this.#options.maxBytes) throw tooLarge(this.#options.maxBytes)
        // The disk writes earlier bytes while the CPU hashes these.
        this.#hash.update(bytes)
        file.write(bytes)
      },
      end: () => {},
    }
  }

  #startField(name: string): PartBody {
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
    this.#otherBytes += bytes.length
    if (this.#otherBytes > MAX_OTHER)
      throw new ApiError(413, `The form has more than ${MAX_OTHER} bytes in addition to its file`)
  }
}
