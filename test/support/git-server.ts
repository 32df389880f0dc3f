// An HTTP server for the repositories of a folder, with git's own http-backend, which tests make slow or broken.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What happens to a response: bytes after which the connection breaks, or a status in place of the response. */
export interface Failure {
  readonly cutAfter?: number
  readonly status?: number
  /** Milliseconds before each part of the response. */
  readonly delay?: number
}

export class GitServer implements AsyncDisposable {
  readonly #folder: string
  readonly #server = createServer((request, response) => void this.#serve(request, response))
  /** Called for each request, which waits for it; null for an answer as it is. */
  failure: (request: IncomingMessage) => Failure | null | Promise<null> = () => null
  /** The paths of all requests. */
  readonly requests: string[] = []

  private constructor(folder: string) {
    this.#folder = folder
  }

  static async start(folder: string): Promise<GitServer> {
    const server = new GitServer(folder)
    server.#server.listen(0, '127.0.0.1')
    await once(server.#server, 'listening')
    return server
  }

  /** The URL of a repository. */
  url(repo: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/${repo}`
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, search } = new URL(request.url ?? '', 'http://host')
    this.requests.push(`${request.method} ${pathname}`)
    const { cutAfter = Number.POSITIVE_INFINITY, status, delay = 0 } = (await this.failure(request)) ?? {}
    if (status !== undefined) return void response.writeHead(status).end()
    const { headers } = request
    const backend = spawn('git', ['http-backend'], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: {
        ...process.env,
        GIT_PROJECT_ROOT: this.#folder,
        GIT_HTTP_EXPORT_ALL: '1',
        PATH_INFO: decodeURIComponent(pathname),
        QUERY_STRING: search.slice(1),
        REQUEST_METHOD: request.method ?? '',
        CONTENT_TYPE: headers['content-type'] ?? '',
        HTTP_CONTENT_ENCODING: headers['content-encoding'] ?? '',
        GIT_PROTOCOL: String(headers['git-protocol'] ?? ''),
      },
    })
    request.pipe(backend.stdin)
    backend.stdin.on('error', () => undefined)
    let head = Buffer.alloc(0)
    let sent = 0
    let hasHead = false
    for await (const part of backend.stdout) {
      let body: Buffer = part
      if (!hasHead) {
        head = Buffer.concat([head, part])
        const end = head.indexOf('\r\n\r\n')
        if (end < 0) continue
        hasHead = true
        for (const line of head.subarray(0, end).toString().split('\r\n')) {
          const [name = '', value = ''] = line.split(/: (.*)/)
          if (name === 'Status') response.statusCode = Number.parseInt(value, 10)
          else response.setHeader(name, value)
        }
        body = head.subarray(end + 4)
      }
      if (delay > 0) await new Promise(resolve => setTimeout(resolve, delay))
      response.write(body.subarray(0, Math.max(0, cutAfter - sent)))
      sent += body.length
      if (sent >= cutAfter) return void request.socket.destroy()
    }
    response.end()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }
}
