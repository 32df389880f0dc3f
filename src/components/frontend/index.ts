// [frontend NAME]: serves the files of a web front-end, and its cameras, without another web server.

import { apiTops } from '../../api/tops.ts'
import { type Core, component } from '../../component/component.ts'
import { pairs, path, type ReadSection } from '../../config/index.ts'
import { redirectToFolder } from '../../core/page-files.ts'
import type { Scope } from '../../core/scope.ts'
import { trimBothOf } from '../../core/trim-characters.ts'
import type { RawRequest, RawRoute, SocketRequest } from '../../rpc/registry.ts'
import { bool, string } from '../../schema/index.ts'
import { frontendsService, type ServedFrontend } from './service.ts'
import { overlap, sendSite } from './static-site.ts'
import { WebcamProxy } from './webcam-proxy.ts'

const options = {
  path: path().describe('The folder of the files of the front-end'),
  prefix: string().describe('The path below which the server serves it').default('/'),
  webcams: pairs().describe("Cameras: lines of '/path/ = http://address-of-the-streamer'").default({}),
  webcams_need_login: bool().describe('Whether cameras need a login or a trusted address').default(true),
}

type Section = ReadSection<typeof options>

function topOf(path: string): string {
  return path.split('/', 2)[1] ?? ''
}

/** Serves the front-ends of the configuration. */
class Frontends {
  readonly #core: Core
  readonly #scope: Scope
  readonly #taken = new Set<string>()
  readonly #served: ServedFrontend[] = []

  constructor(core: Core, scope: Scope) {
    this.#core = core
    this.#scope = scope
  }

  list(): readonly ServedFrontend[] {
    return this.#served
  }

  /** Serves one. Throws ConfigError for options that do not fit. */
  add(section: Section): void {
    const { path: folder, webcams, webcams_need_login: needsLogin } = section.options
    const { data, configFile } = this.#core.paths
    if (overlap(folder, data) || overlap(folder, configFile)) {
      throw section.error(
        'every client can read the files of a front-end: its folder must be outside of the data folder, and apart from ' +
          'moonraker.conf',
        'path',
      )
    }
    const prefix = pathOf(section, section.options.prefix, 'prefix')
    const cameras = Object.entries(webcams).map(([written, address]) => {
      const below = pathOf(section, written, 'webcams')
      const target = addressOf(section, written, address)
      return { below, proxy: new WebcamProxy(target, below) }
    })
    this.#claim(section, [prefix, ...cameras.map(({ below }) => below)])
    this.#serveSite(section.name, folder, prefix)
    for (const { below, proxy } of cameras) this.#serveCamera(below, proxy, needsLogin)
    this.#served.push({ name: section.name, path: prefix })
  }

  #claim(section: Section, paths: readonly string[]): void {
    const twice = paths.find((path, index) => this.#taken.has(path) || paths.indexOf(path) !== index)
    if (twice !== undefined) throw section.error(`the path ${twice} is used twice`)
    for (const path of paths) this.#taken.add(path)
  }

  #serveSite(name: string, folder: string, prefix: string): void {
    const { registry, paths } = this.#core
    const site = { name, path: folder, apartFrom: [paths.data, paths.configFile] }
    // The page must load before anyone can log in.
    const route = {
      verbs: ['GET', 'HEAD'],
      open: () => true,
      handle: (request: RawRequest) => {
        const isFolder = request.req.url?.split('?', 1)[0] !== request.prefix
        return isFolder ? sendSite(site, request) : redirectToFolder(request)
      },
    }
    if (prefix === '/') this.#scope.use(registry.serveRest(route))
    else this.#serveFolder({ ...route, path: prefix })
  }

  #serveCamera(path: string, proxy: WebcamProxy, needsLogin: boolean): void {
    this.#serveFolder({
      verbs: ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE'],
      path,
      // A WebRTC stream is requested by POST; WHEP changes its session by PATCH, and ends it by DELETE.
      role: 'viewer',
      open: () => !needsLogin,
      handle: request => proxy.handle(request),
    })
    const connect = (request: SocketRequest) => proxy.connect(request)
    this.#scope.use(this.#core.registry.serveSocket({ path, open: !needsLogin, handle: connect }))
  }

  /** Serves what is below a path, and redirects requests without the last slash. */
  #serveFolder(route: RawRoute): void {
    const { registry } = this.#core
    this.#scope.use(registry.serveRaw(route))
    this.#scope.use(registry.serveRaw({ ...route, path: route.path.slice(0, -1), handle: redirectToFolder }))
  }
}

/** A path with '/' at both ends. */
function pathOf(section: Section, written: string, option: 'prefix' | 'webcams'): string {
  const inner = trimBothOf(written.trim(), '/')
  if (inner !== '' && !inner.split('/').every(part => /^[\w-][\w.-]*$/.test(part))) {
    throw section.error(`'${written}' is no path: write it as /name`, option)
  }
  const path = inner === '' ? '/' : `/${inner}/`
  if (apiTops().has(topOf(path)) || (path === '/' && option === 'webcams')) {
    throw section.error(`the path ${path} belongs to the server itself`, option)
  }
  return path
}

/** Every user can read warnings, so they do not repeat an address: it may contain a password. */
function addressOf(section: Section, path: string, text: string): URL {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw section.error(`the value of '${path}' is not an address of http or https`, 'webcams')
  }
  if ([url.username, url.password, url.search, url.hash].some(part => part !== '')) {
    throw section.error(
      `give the address of the streamer behind '${path}' without user, query and fragment`,
      'webcams',
    )
  }
  return url
}

export default component({
  section: 'frontend',
  presence: 'configured',
  options: {},
  named: { options },
  provides: { frontends: frontendsService },
  create({ core, scope, named }) {
    const frontends = new Frontends(core, scope)
    named.each(section => frontends.add(section))
    return { frontends }
  },
})
