// Serves endpoints as OctoPrint does: arguments are read and roles demanded as everywhere, but the reply is the result
// itself, without a body where there is no result.
import type { IncomingMessage } from 'node:http'
import { NO_CONTENT } from '../../api/chapter.ts'
import type { Endpoint, Methods, ParamsOf, ResultOf, Verb } from '../../api/endpoint.ts'
import { octoprint } from '../../api/octoprint.ts'
import type { Core } from '../../component/component.ts'
import { ApiError } from '../../core/errors.ts'
import type { Scope } from '../../core/scope.ts'
import type { Caller } from '../../rpc/caller.ts'
import type { RawRequest } from '../../rpc/registry.ts'

/** Bytes of a request's body; the longest is a list of G-code commands. */
const MAX_BODY = 1024 * 1024

/** The caller of a route, and the address that it used. */
export interface RouteCall {
  readonly caller: Caller
  /** What precedes /api in addresses that the client can reach: `http://printer.local/prefix`. */
  readonly base: string
}

/** The functions that answer a chapter. */
export type Answers<C extends Methods> = {
  [M in keyof C]: (params: ParamsOf<C[M]>, call: RouteCall) => ResultOf<C[M]> | Promise<ResultOf<C[M]>>
}

/** What answers one verb of a path. */
type Handle = (request: RawRequest) => void | Promise<void>

interface BarePath {
  readonly byVerb: Map<Verb, Handle>
  /** Whether any verb of it changes something. */
  changes: boolean
}

/** Collects what answers each path, then serves it: a path has one raw route for all of its verbs. */
export class BareRoutes {
  readonly #core: Core
  readonly #paths = new Map<string, BarePath>()

  constructor(core: Core) {
    this.#core = core
  }

  /** Adds every one of `endpoints`. A path may end in `{location}/{path}`. */
  add<C extends Methods>(endpoints: C, answers: Answers<C>): void {
    for (const [name, endpoint] of Object.entries(endpoints)) {
      const answer = answers[name as keyof C] as unknown as (params: never, call: RouteCall) => unknown
      for (const { verb, path } of endpoint.routes) {
        this.addOne(
          verb,
          path,
          request => this.#answer(request, { name, endpoint }, answer),
          endpoint.changes,
        )
      }
    }
  }

  /** Adds one verb of a path that is answered in a way of its own. */
  addOne(verb: Verb, path: string, handle: Handle, changes: boolean): void {
    const [served = ''] = path.split('{', 1)
    const known = this.#paths.get(served) ?? { byVerb: new Map(), changes: false }
    known.byVerb.set(verb, handle)
    known.changes ||= changes
    this.#paths.set(served, known)
  }

  serve(scope: Scope): void {
    for (const [path, { byVerb, changes }] of this.#paths) {
      const verbs = [...byVerb.keys(), ...(byVerb.has('GET') ? ['HEAD'] : [])]
      const handle = (request: RawRequest) => {
        if (path.endsWith('/') && request.rest.indexOf('/') < 1) throw new ApiError(404, 'Not Found')
        return byVerb.get(request.req.method === 'HEAD' ? 'GET' : (request.req.method as Verb))?.(request)
      }
      scope.use(this.#core.registry.serveRaw({ verbs, path, handle, ...(!changes && { role: 'viewer' }) }))
    }
  }

  async #answer(
    request: RawRequest,
    { name, endpoint }: { readonly name: string; readonly endpoint: Endpoint },
    answer: (params: never, call: RouteCall) => unknown,
  ): Promise<void> {
    const { req, res, caller, prefix, sendJson } = request
    const call = { caller, base: baseOf(req, prefix) }
    const handle = (params: never) => answer(params, call)
    const result = await this.#core.registry.invoke(
      { name, endpoint, heading: octoprint, handle },
      await argumentsOf(request),
      caller,
    )
    if (endpoint.result === NO_CONTENT) res.writeHead(204).end()
    else sendJson(result)
  }
}

/**
 * Clients need whole addresses. The name is the one by which the client reached the server. A proxy that ends TLS sets
 * X-Forwarded-Proto; a client that sets it wrongly only gets wrong addresses.
 */
export function baseOf({ headers, socket }: IncomingMessage, routePrefix: string): string {
  const secure = 'encrypted' in socket || headers['x-forwarded-proto'] === 'https'
  return `${secure ? 'https' : 'http'}://${headers.host ?? ''}${routePrefix}`
}

/** Path, query and body in one set, the body winning over the query and the path over both. */
async function argumentsOf({ rest, readArguments }: RawRequest): Promise<Record<string, unknown>> {
  const slash = rest.indexOf('/')
  const inPath = slash === -1 ? {} : { location: rest.slice(0, slash), path: rest.slice(slash + 1) }
  return { ...(await readArguments(MAX_BODY)), ...inPath }
}
