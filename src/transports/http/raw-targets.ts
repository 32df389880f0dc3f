// Requests whose target has bytes above 0x7F (`?filename=Würfel.gcode` without percent-encoding). Node's parser refuses
// them, so other requests pay nothing for them: the refused bytes go to a second parser with the target percent-encoded.
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { type Duplex, duplexPair } from 'node:stream'

/** The error of a request that Node's parser refuses. */
export interface ParserError extends NodeJS.ErrnoException {
  /** The bytes that came in one piece with the error. */
  readonly rawPacket?: Buffer
  /** The index in them where the parser stopped. */
  readonly bytesParsed?: number
}

export class RawTargets {
  /** For the sockets of such requests: what their bytes are written to. */
  readonly #inputs = new WeakMap<Duplex, Duplex>()
  /** What a server reads such requests from. */
  readonly #outputs = new WeakSet<Duplex>()

  /** Whether `socket` is the second way to a request, whose connection has been admitted already. */
  has(socket: Duplex): boolean {
    return this.#outputs.has(socket)
  }

  /** Takes over a connection whose request the parser has refused. False for requests that are wrong otherwise. */
  accept(server: Server, error: ParserError, socket: Socket): boolean {
    const input = this.#inputs.get(socket)
    if (input !== undefined) forward(error.rawPacket, input, socket)
    return input !== undefined || this.#start(server, error, socket)
  }

  #start(server: Server, error: ParserError, socket: Socket): boolean {
    // What is wrong even when it is encoded stays wrong.
    if (error.code !== 'HPE_INVALID_URL' || this.#outputs.has(socket)) return false
    const request = encodeTarget(error)
    if (request === undefined) return false
    const [output, input] = duplexPair()
    actAs(socket, output)
    this.#inputs.set(socket, input)
    this.#outputs.add(output)
    input.pipe(socket)
    socket.once('close', () => input.destroy())
    input.once('close', () => output.destroy())
    server.emit('connection', output)
    input.write(request)
    return true
  }
}

/** Gives `output` what HTTP uses of a socket: the client's address, timeouts, and options of TCP. */
function actAs(socket: Socket, output: Duplex): void {
  const { remoteAddress } = socket
  const option = (set: () => void) => {
    set()
    return output
  }
  Object.assign(output, {
    remoteAddress,
    ...('encrypted' in socket && { encrypted: true }),
    setTimeout: (ms: number) => option(() => socket.setTimeout(ms)),
    setNoDelay: (on?: boolean) => option(() => socket.setNoDelay(on)),
    setKeepAlive: (on?: boolean, delay?: number) => option(() => socket.setKeepAlive(on, delay)),
  })
  // The first parser would end the connection at a timeout.
  socket.removeAllListeners('timeout').on('timeout', () => output.emit('timeout'))
}

/** Every further piece of the connection comes with an error of the first parser too. */
function forward(bytes: Buffer | undefined, input: Duplex, socket: Socket): void {
  if (bytes === undefined || input.destroyed || input.write(bytes)) return
  socket.pause()
  input.once('drain', () => socket.resume())
}

/**
 * The bytes with the target percent-encoded, and without a further request on the connection. Undefined where they do
 * not start with the whole request line.
 */
function encodeTarget({ rawPacket, bytesParsed = 0 }: ParserError): Buffer | undefined {
  const end = rawPacket?.indexOf('\r\n') ?? -1
  if (rawPacket === undefined || end < bytesParsed) return undefined
  const line = rawPacket.toString('latin1', 0, end)
  if (!/^[A-Z]+ [^ ]+ HTTP\/1\.[01]$/.test(line)) return undefined
  const encoded = line.replace(/[\x80-\xff]/g, byte => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`)
  return Buffer.concat([Buffer.from(`${encoded}\r\nConnection: close`), rawPacket.subarray(end)])
}
