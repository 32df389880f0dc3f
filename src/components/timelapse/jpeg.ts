// Finds a whole JPEG picture in bytes as they arrive: cameras send half pictures, web pages, and streams without an end.

const SOI = Buffer.from([0xff, 0xd8, 0xff])
const EOI = Buffer.from([0xff, 0xd9])

/** Bytes of a picture. */
const MAX_BYTES = 16 * 1024 * 1024
/** Bytes before the picture: the head of a part of a stream. */
const MAX_PREFIX = 64 * 1024
/** Ends that turn out to be no end of the picture: those of previews inside of it. */
const MAX_FALSE_ENDS = 8

/** What a camera sent is no picture; the message is for people. */
export class NoPicture extends Error {
  override readonly name = 'NoPicture'
}

/** Collects bytes until they contain a whole picture. */
export class PictureReader {
  /** What may still be the start, or the picture from its start. */
  #parts: Buffer[] = []
  #bytes = 0
  #isStarted = false
  #falseEnds = 0

  /** Takes bytes. Returns the picture when it is whole. Throws NoPicture. */
  push(chunk: Buffer): Buffer | null {
    // An end may be split between two chunks.
    const isEndPossible = this.#isStarted && (chunk.includes(EOI) || chunk[0] === EOI[1])
    this.#parts.push(chunk)
    this.#bytes += chunk.length
    if (!this.#isStarted && !this.#findStart()) return null
    if (this.#bytes > MAX_BYTES)
      throw new NoPicture(`the picture is larger than ${MAX_BYTES / 1024 ** 2} MiB`)
    if (!isEndPossible && this.#parts.length > 1) return null
    return this.#whole()
  }

  /** The camera has sent everything. Throws NoPicture: a whole picture was returned before. */
  end(): never {
    if (this.#isStarted) throw new NoPicture(`the picture ends after ${this.#bytes} bytes, before its end`)
    throw this.#notJpeg()
  }

  #findStart(): boolean {
    const head = Buffer.concat(this.#parts)
    const start = head.indexOf(SOI)
    if (start === -1) {
      if (head.length > MAX_PREFIX) throw this.#notJpeg()
      this.#parts = [head]
      return false
    }
    const rest = head.subarray(start)
    this.#parts = [rest]
    this.#bytes = rest.length
    this.#isStarted = true
    return true
  }

  #whole(): Buffer | null {
    const picture = Buffer.concat(this.#parts)
    this.#parts = [picture]
    const end = endOfPicture(picture)
    if (end !== null) return picture.subarray(0, end)
    if (picture.includes(EOI)) this.#falseEnds += 1
    if (this.#falseEnds > MAX_FALSE_ENDS) throw new NoPicture('the picture is damaged')
    return null
  }

  #notJpeg(): NoPicture {
    const text = Buffer.concat(this.#parts).subarray(0, 200).toString('latin1')
    if (/^\s*<(!doctype|html|\?xml)/i.test(text)) return new NoPicture('a web page instead of a JPEG picture')
    return new NoPicture(this.#bytes === 0 ? 'an empty reply' : 'no JPEG picture')
  }
}

/** The length of the picture at the start of `data`; null while its end is missing. Throws NoPicture if it is damaged. */
export function endOfPicture(data: Buffer): number | null {
  let hasSize = false
  let at = 2
  while (at + 4 <= data.length || (at + 2 <= data.length && data[at + 1] === 0xd9)) {
    if (data[at] !== 0xff) throw new NoPicture('the picture is damaged')
    const marker = data.readUInt8(at + 1)
    if (marker === 0xff) {
      at += 1
      continue
    }
    if (marker === 0xd9) return hasSize ? at + 2 : null
    const length = data.readUInt16BE(at + 2)
    if (length < 2) throw new NoPicture('the picture is damaged')
    if (isFrame(marker)) {
      if (at + 9 > data.length) return null
      if (data.readUInt16BE(at + 5) === 0 || data.readUInt16BE(at + 7) === 0)
        throw new NoPicture('a picture without a size')
      hasSize = true
    }
    at += 2 + length
    if (marker === 0xda) {
      const next = endOfScan(data, at)
      if (next === null) return null
      at = next
    }
  }
  return null
}

/** Whether a marker starts a frame, which has the size of the picture. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)
}

/** The marker after the coded pixels that start at `from`. */
function endOfScan(data: Buffer, from: number): number | null {
  for (
    let at = data.indexOf(0xff, from);
    at !== -1 && at + 1 < data.length;
    at = data.indexOf(0xff, at + 1)
  ) {
    const next = data.readUInt8(at + 1)
    const isCoded = next === 0 || next === 0xff || (next >= 0xd0 && next <= 0xd7)
    if (!isCoded) return at
  }
  return null
}
