// A server with the release API of GitHub and the assets of its releases, on loopback.
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A release as a test declares it; the newest is the first of its repository. */
export interface TestRelease {
  readonly tag: string
  /** The tag where it is left out. */
  readonly name?: string | null
  readonly prerelease?: boolean
  readonly draft?: boolean
  /** The assets by their names. */
  readonly assets: Readonly<Record<string, Buffer>>
}

/** How the server answers, in place of the usual way. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => void

export class ReleaseServer implements AsyncDisposable {
  readonly #server = createServer((request, response) => this.#serve(request, response))
  readonly repos = new Map<string, readonly TestRelease[]>()
  /** All requests, as `GET /path`. */
  readonly requests: {
    readonly line: string
    readonly headers: IncomingMessage['headers']
    status: number
  }[] = []
  /** The quota of requests. */
  quota = { limit: 60, remaining: 60, reset: 4_000_000_000 }
  hasDigests = true
  /** Called for requests of the API. */
  api: Answer | null = null
  /** Called for downloads. */
  download: Answer | null = null

  private constructor() {}

  static async start(): Promise<ReleaseServer> {
    const server = new ReleaseServer()
    await new Promise<void>(resolve => server.#server.listen(0, '127.0.0.1', resolve))
    return server
  }

  /** The URL of the server, with a slash at its end. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`
  }

  /** The lines of the requests since the last call. */
  taken(): string[] {
    return this.requests.splice(0).map(({ line }) => line)
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, search } = new URL(request.url ?? '', this.url)
    const entry = { line: `${request.method} ${pathname}${search}`, headers: request.headers, status: 0 }
    this.requests.push(entry)
    response.on('close', () => {
      entry.status = response.statusCode
    })
    const isDownload = pathname.startsWith('/download/')
    const answer = isDownload ? this.download : this.api
    if (answer !== null) answer(request, response)
    else if (isDownload) this.sendAsset(request, response)
    else this.#sendJson(request, response)
  }

  /** The usual answer to a download. */
  sendAsset(request: IncomingMessage, response: ServerResponse): void {
    const [, , owner, repo, tag, name] = (request.url ?? '').split('/').map(decodeURIComponent)
    const release = this.repos.get(`${owner}/${repo}`)?.find(each => each.tag === tag)
    const content = release?.assets[name ?? '']
    if (content === undefined) return void response.writeHead(404).end('Not Found')
    response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': content.length })
    response.end(content)
  }

  #sendJson(request: IncomingMessage, response: ServerResponse): void {
    if (this.quota.remaining > 0) this.quota.remaining -= 1
    const body = this.#find(request)
    const quota = {
      'X-RateLimit-Limit': this.quota.limit,
      'X-RateLimit-Remaining': this.quota.remaining,
      'X-RateLimit-Reset': this.quota.reset,
    }
    if (body === undefined) return void response.writeHead(404, quota).end('{"message":"Not Found"}')
    const text = JSON.stringify(body)
    const etag = `W/"${createHash('sha1').update(text).digest('hex')}"`
    if (request.headers['if-none-match'] === etag) {
      this.quota.remaining += 1
      response.writeHead(304, { ...quota, ETag: etag, 'X-RateLimit-Remaining': this.quota.remaining }).end()
    } else response.writeHead(200, { ...quota, ETag: etag, 'Content-Type': 'application/json' }).end(text)
  }

  #find({ url }: IncomingMessage): unknown {
    const { pathname, searchParams } = new URL(url ?? '', this.url)
    const [, repo = '', tail = ''] = /^\/repos\/([^/]+\/[^/]+)\/releases(.*)$/.exec(pathname) ?? []
    const releases = this.repos.get(repo)
    if (releases === undefined) return undefined
    const json = (release: TestRelease | undefined) => release && this.#json(repo, release)
    if (tail === '/latest') return json(releases.find(({ prerelease, draft }) => !prerelease && !draft))
    const tag = decodeURIComponent(tail.replace('/tags/', ''))
    if (tag !== '') return json(releases.find(release => release.tag === tag))
    return releases.slice(0, Number(searchParams.get('per_page') ?? 30)).map(json)
  }

  #json(repo: string, { tag, name = tag, prerelease = false, draft = false, assets }: TestRelease) {
    const list = Object.entries(assets).map(([asset, content]) => ({
      name: asset,
      content_type: asset.endsWith('.zip') ? 'application/zip' : 'application/octet-stream',
      size: content.length,
      browser_download_url: `${this.url}download/${repo}/${tag}/${encodeURIComponent(asset)}`,
      ...(this.hasDigests && { digest: `sha256:${createHash('sha256').update(content).digest('hex')}` }),
    }))
    return { tag_name: tag, name, prerelease, draft, body: 'notes', assets: list }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }
}
