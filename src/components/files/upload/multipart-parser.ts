// Parses a multipart/form-data body as a stream (RFC 7578, RFC 2046). Stricter than general libraries: it rejects an
// incomplete body, so that damage never looks like a form with fewer fields. Passes bytes on without a copy.
import { isUtf8 } from 'node:buffer'
import { ApiError } from '../../../core/errors.ts'

/** Bytes of the headers of one part. */
const MAX_HEADERS = 16 * 1024
/** Bytes before the first boundary. */
const MAX_PREAMBLE = 16 * 1024
/** Parts of one form. */
const MAX_PARTS = 50
const PART_HEADER = /^content-disposition\s*:/im
const CR = 0x0d
const EMPTY = Buffer.alloc(0)

/** The header of one part. */
export interface PartHeader {
  /** The field's name. */
  readonly name: string
  /** Null if the part has no file name. */
  readonly filename: string | null
}

/** Receives the bytes of one part. */
export interface PartBody {
  write(bytes: Buffer): void
  end(): void
}

type State = 'before' | 'delimiter' | 'headers' | 'body' | 'after'

export class MultipartParser {
  readonly #delimiter: Buffer
  readonly #onPart: (header: PartHeader) => PartBody
  #state: State = 'before'
  #part: PartBody | null = null
  #parts = 0
  #held: Buffer

  /**
   * `onPart` is called for each part and returns the receiver of its bytes; `write` throws what they throw.
   * Throws ApiError 400 if `contentType` is not that of a form.
   */
  constructor(contentType: string, onPart: (header: PartHeader) => PartBody) {
    this.#delimiter = Buffer.from(`\r\n--${boundaryOf(contentType)}`, 'latin1')
    this.#onPart = onPart
    // Each delimiter starts with the line end before it; the first one has no line before it.
    this.#held = Buffer.from('\r\n')
  }

  /** Parses the next bytes of the body. Throws ApiError 400 if they cannot belong to a form. */
  write(chunk: Buffer): void {
    let data = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    for (let rest = this.#step(data); rest !== null; rest = this.#step(data)) data = rest
    this.#held = this.#state === 'body' ? this.#passOn(data) : this.#keep(data)
  }

  /** Ends the body. Throws ApiError 400 if the form is incomplete. */
  end(): void {
    if (this.#state !== 'after') throw damaged('it ends before its last boundary')
  }

  /** Parses one element; returns the bytes after it, or null if it needs more bytes. */
  #step(data: Buffer): Buffer | null {
    switch (this.#state) {
      case 'before':
        return this.#findFirst(data)
      case 'delimiter':
        return this.#leaveDelimiter(data)
      case 'headers':
        return this.#readHeaders(data)
      case 'body':
        return this.#findEnd(data)
      case 'after':
        return null
    }
  }

  /** Skips the preamble. The header of a part in it shows that the boundary of that part is damaged. */
  #findFirst(data: Buffer): Buffer | null {
    const start = data.indexOf(this.#delimiter)
    const end = start === -1 ? data.length : start
    if (end > MAX_PREAMBLE || PART_HEADER.test(data.toString('latin1', 0, end))) {
      throw damaged('it does not start with its boundary')
    }
    if (start === -1) return null
    this.#state = 'delimiter'
    return data.subarray(start + this.#delimiter.length)
  }

  /** After a delimiter: blanks and a line end before a part, two dashes after the last part. */
  #leaveDelimiter(data: Buffer): Buffer | null {
    let start = 0
    while (data[start] === 0x20 || data[start] === 0x09) start += 1
    if (data.length < start + 2) return null
    const sign = data.toString('latin1', start, start + 2)
    if (sign === '\r\n') this.#state = 'headers'
    else if (sign === '--' && start === 0) this.#state = 'after'
    else throw damaged('a boundary is followed by neither a part nor the end')
    return data.subarray(start + 2)
  }

  #readHeaders(data: Buffer): Buffer | null {
    const end = data.indexOf('\r\n\r\n')
    if (end === -1) return null
    if (end > MAX_HEADERS) throw damaged('the headers of a part are too long')
    this.#parts += 1
    if (this.#parts > MAX_PARTS) throw damaged(`it has more than ${MAX_PARTS} parts`)
    this.#part = this.#onPart(headerOf(data.subarray(0, end)))
    this.#state = 'body'
    return data.subarray(end + 4)
  }

  #findEnd(data: Buffer): Buffer | null {
    const end = data.indexOf(this.#delimiter)
    if (end === -1) return null
    if (end > 0) this.#part?.write(data.subarray(0, end))
    this.#part?.end()
    this.#part = null
    this.#state = 'delimiter'
    return data.subarray(end + this.#delimiter.length)
  }

  /** Keeps an incomplete element; limits its size. */
  #keep(data: Buffer): Buffer {
    if (this.#state === 'after') return EMPTY
    if (data.length > MAX_HEADERS + 4) throw damaged('the headers of a part are too long')
    return data
  }

  /** Passes on the bytes that belong to the part, and keeps those that may be the start of a delimiter. */
  #passOn(data: Buffer): Buffer {
    const from = Math.max(0, data.length - this.#delimiter.length + 1)
    // A delimiter has one carriage return, its first byte: only the last one in the data can start it.
    const last = data.subarray(from).lastIndexOf(CR)
    const end = last === -1 || !this.#mayStart(data.subarray(from + last)) ? data.length : from + last
    if (end > 0) this.#part?.write(data.subarray(0, end))
    return data.subarray(end)
  }

  #mayStart(tail: Buffer): boolean {
    return tail.equals(this.#delimiter.subarray(0, tail.length))
  }
}

function damaged(how: string): ApiError {
  return new ApiError(400, `The form is damaged: ${how}`)
}

function boundaryOf(contentType: string): string {
  const [, quoted, plain] =
    /^multipart\/form-data\s*;(?:.*;)?\s*boundary=(?:"([^"]{1,200})"|([^\s;"]{1,200}))\s*(?:;|$)/i.exec(
      contentType,
    ) ?? []
  const boundary = quoted ?? plain
  if (boundary === undefined) throw new ApiError(400, 'An upload must be multipart/form-data with a boundary')
  return boundary
}

/** Parses the headers of a part. Throws ApiError 400 for what is ambiguous. */
function headerOf(bytes: Buffer): PartHeader {
  const headers = new Map<string, string>()
  for (const line of unfolded(textOf(bytes)).split('\r\n')) {
    const [, name, value = ''] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):([^\r\n]*)$/.exec(line) ?? []
    if (name === undefined) throw damaged('a part has an invalid header')
    if (headers.has(name.toLowerCase())) throw damaged(`a part has two headers ${name}`)
    headers.set(name.toLowerCase(), value.trimStart())
  }
  const parameters = dispositionOf(headers.get('content-disposition') ?? '')
  const name = parameters.get('name')
  if (name === undefined) throw damaged('a part has no name')
  return { name, filename: fileNameOf(parameters) }
}

/** Joins the lines of headers that continue in the next one (RFC 5322, section 2.2.3). */
function unfolded(text: string): string {
  return text.replace(/\r\n[ \t]/g, ' ')
}

/** The parameters of `form-data; name="…"; filename="…"`, by name in lower case. */
function dispositionOf(value: string): Map<string, string> {
  const parameters = new Map<string, string>()
  const reader = /\s*;\s*([\w-]+\*?)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))/gy
  const [kind] = /^\s*form-data(?=\s*(?:;|$))/i.exec(value) ?? []
  if (kind === undefined) throw damaged('a part is not form-data')
  reader.lastIndex = kind.length
  let end = kind.length
  for (let found = reader.exec(value); found !== null; found = reader.exec(value)) {
    const [, name = '', quoted, plain = ''] = found
    if (parameters.has(name.toLowerCase())) throw damaged(`a part has two parameters ${name}`)
    parameters.set(name.toLowerCase(), quoted === undefined ? plain : unquoted(quoted))
    end = reader.lastIndex
  }
  const rest = value.slice(end).trim()
  if (rest !== '' && rest !== ';') throw damaged('the parameters of a part cannot be read')
  return parameters
}

/** Browsers write only quotes and line ends as %22, %0D and %0A (HTML standard); other clients use backslashes. */
function unquoted(text: string): string {
  return text.replace(/\\(["\\])/g, '$1').replace(/%(22|0D|0A)/g, code => decodeURIComponent(code))
}

/**
 * RFC 7578 excludes `filename*`, but .NET, aiohttp and others send it together with a `filename`. Rejects two names that
 * differ: they are an attempt to get one checked and the other used.
 */
function fileNameOf(parameters: ReadonlyMap<string, string>): string | null {
  const plain = parameters.get('filename') ?? null
  const extended = parameters.get('filename*')
  if (extended === undefined) return plain
  const name = extendedText(extended)
  if (plain !== null && !isFallback(plain, name)) throw damaged('a part has two different file names')
  return name
}

/**
 * Whether `plain` is what programs write for those that do not read `filename*`: the same name, percent-encoded, as a MIME
 * word, without accents, or with a sign for each character that ASCII lacks.
 */
function isFallback(plain: string, name: string): boolean {
  if (plain === name || percentDecoded(plain) === name || /^=\?.*\?=$/.test(plain)) return true
  if (plain === name.normalize('NFD').replace(/\p{M}/gu, '')) return true
  return plain.replaceAll('?', '_') === name.replace(/[^\x20-\x7e]|\?/gu, '_')
}

function percentDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** RFC 8187: `UTF-8''percent%20encoded`. */
function extendedText(value: string): string {
  const [, text] = /^utf-8'[^']*'(.*)$/i.exec(value) ?? []
  const name = text === undefined ? undefined : percentDecoded(text)
  if (name === undefined) throw damaged('a file name is not in UTF-8')
  return name
}

/** Decodes UTF-8, which all current clients send, or else Latin-1. */
function textOf(bytes: Buffer): string {
  return isUtf8(bytes) ? bytes.toString() : bytes.toString('latin1')
}
