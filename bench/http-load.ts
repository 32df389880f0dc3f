// GET requests over connections that stay open, one in flight on each.
import type { Load } from './load.ts'
import { type Address, RawConnection } from './raw-connection.ts'

const HEADERS_END = Buffer.from('\r\n\r\n')

/** The end of the reply that starts at `start`; null while it is incomplete. Throws for any status but 2xx. */
export function endOfReply(bytes: Buffer, start: number, end: number): number | null {
  const headersEnd = bytes.indexOf(HEADERS_END, start)
  if (headersEnd === -1 || headersEnd >= end) return null
  const headers = bytes.toString('latin1', start, headersEnd)
  const length = /\r\ncontent-length: *(\d+)/i.exec(headers)?.[1]
  if (!headers.startsWith('HTTP/1.1 2') || length === undefined) {
    throw new Error(`unexpected reply: ${headers.split('\r\n')[0]}`)
  }
  const replyEnd = headersEnd + 4 + Number(length)
  return replyEnd <= end ? replyEnd : null
}

/** Requests `path` over `connections` connections, again and again. */
export class HttpLoad implements Load {
  answered = 0
  readonly #connections: RawConnection[] = []

  constructor(address: Address, path: string, connections: number) {
    const request = Buffer.from(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`, 'latin1')
    for (let n = 0; n < connections; n += 1) this.#connections.push(this.#open(address, request))
  }

  #open(address: Address, request: Buffer): RawConnection {
    let usualLength = 0
    const connection = new RawConnection(address, (bytes, start, end) => {
      // Replies are nearly always as long as the one before: then a whole one needs no look at its headers.
      const whole = end - start === usualLength && bytes[start + 9] === 0x32 /* 2xx */
      const replyEnd = whole ? end : endOfReply(bytes, start, end)
      if (replyEnd === null) return start
      usualLength = replyEnd - start
      this.answered += 1
      connection.write(request)
      return replyEnd
    })
    connection.write(request)
    return connection
  }

  get failure(): Error | null {
    return this.#connections.find(({ failure }) => failure !== null)?.failure ?? null
  }

  close(): void {
    for (const connection of this.#connections) connection.close()
  }
}
