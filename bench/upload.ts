// A large file sent as browsers and slicers send it.
import { endOfReply } from './http-load.ts'
import { type Address, RawConnection } from './raw-connection.ts'

/** The size of the file where none is given. */
const MEGABYTES = 200
const FILE = 'bench-upload.gcode'
const BOUNDARY = 'moonraker-ts-bench'

function gcodeMegabyte(): Buffer {
  const lines: string[] = []
  for (let length = 0; length < 1_000_000; ) {
    const n = lines.length
    const line = `G1 X${(n % 2000) / 10} Y${((n * 7) % 2000) / 10} E${(n * 0.0413).toFixed(5)}\n`
    lines.push(line)
    length += line.length
  }
  return Buffer.from(lines.join('').slice(0, 999_999).concat('\n'))
}

/** Uploads the file to the server below `prefix`; gives MB/s. Rejects where the server does not take it. */
export async function upload(
  address: Address,
  { megabytes = MEGABYTES, prefix = '' }: { readonly megabytes?: number; readonly prefix?: string } = {},
): Promise<number> {
  const megabyte = gcodeMegabyte()
  const head = Buffer.from(
    `--${BOUNDARY}\r\nContent-Disposition: form-data; name="root"\r\n\r\ngcodes\r\n` +
      `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="${FILE}"\r\n` +
      'Content-Type: application/octet-stream\r\n\r\n',
  )
  const tail = Buffer.from(`\r\n--${BOUNDARY}--\r\n`)
  const length = head.length + megabyte.length * megabytes + tail.length
  const start = performance.now()
  await exchange(address, async connection => {
    connection.write(
      `POST ${prefix}/server/files/upload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${length}\r\n` +
        `Content-Type: multipart/form-data; boundary=${BOUNDARY}\r\n\r\n`,
    )
    connection.write(head)
    for (let sent = 0; sent < megabytes && connection.failure === null; sent += 1) {
      if (!connection.write(megabyte)) await connection.drained()
    }
    connection.write(tail)
  })
  const seconds = (performance.now() - start) / 1000
  return length / 1e6 / seconds
}

/** Removes what was uploaded. */
export async function removeUpload(address: Address): Promise<void> {
  await exchange(address, async connection => {
    connection.write(`DELETE /server/files/gcodes/${FILE} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`)
  })
}

/** Sends one request; resolves with the reply, rejects where it is an error. */
function exchange(address: Address, send: (connection: RawConnection) => Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const connection = new RawConnection(address, (bytes, start, end) => {
      const replyEnd = endOfReply(bytes, start, end)
      if (replyEnd === null) return start
      connection.close()
      resolve()
      return replyEnd
    })
    connection.onFailure(reject)
    send(connection).catch(reject)
  })
}
