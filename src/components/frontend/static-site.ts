// The files of a front-end: found without leaving its folder, in the smallest form that the browser takes.
import { realpath, stat } from 'node:fs/promises'
import { basename, isAbsolute, join, relative, resolve } from 'node:path'
import { ApiError } from '../../core/errors.ts'
import { sendFile } from '../../core/send-file.ts'
import type { RawRequest } from '../../rpc/registry.ts'
import { type ListedServer, sendSiteConfig } from './site-config.ts'

/** Compressed forms of a file that may be next to it, the best first. */
const ENCODINGS: readonly (readonly [name: string, ending: string])[] = [
  ['br', '.br'],
  ['gzip', '.gz'],
]

/** A hash of the content in a file's name, as build tools write it: in a folder of assets, and anywhere. */
const ASSET_HASH = /[-.]([\w-]{8}|[\da-f]{16,64})\.\w{1,10}$/
const HASH = /[-.](\w{8,64})\.(?:js|css|mjs|woff2?|ttf|wasm)$/

/** A front-end as it is configured. */
export interface Site {
  readonly name: string
  /** The folder of its files. */
  readonly path: string
  /** Files and folders that the front-end never serves. */
  readonly apartFrom: readonly string[]
  /** The servers that its config.json lists; this one alone where it is left out. */
  readonly servers?: () => readonly ListedServer[]
}

/** Whether one of two paths is the other or is in it. */
export function overlap(one: string, other: string): boolean {
  const isIn = (inner: string, outer: string) => {
    const way = relative(resolve(outer), resolve(inner))
    return !isAbsolute(way) && way.split('/')[0] !== '..'
  }
  return isIn(one, other) || isIn(other, one)
}

/** Answers GET and HEAD of `rest`, a path below the front-end. Throws ApiError 404 for what is not there. */
export async function sendSite(site: Site, request: RawRequest): Promise<void> {
  const top = await realFolder(site)
  const { req, res, rest } = request
  const path = (await findFile(top, rest === '' ? 'index.html' : rest)) ?? (await findPage(top, request))
  if (path === undefined) throw new ApiError(404, `File does not exist: ${rest}`)
  if (rest === 'config.json') return sendSiteConfig(path, request, site.servers?.())
  const inside = path.slice(top.length + 1)
  const { path: sent, headers } = await smallestForm(top, inside, request)
  const caching = isHashed(inside) ? 'public, max-age=31536000, immutable' : 'no-cache'
  await sendFile(req, res, {
    path: sent,
    shown: rest,
    etag: true,
    typeOf: path,
    headers: { 'Cache-Control': caching, ...headers },
  })
}

/** Whether a file never changes, because its name contains a hash of its content. */
function isHashed(path: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1)
  const isAsset = path.startsWith('assets/') || path.includes('/assets/')
  const hash = ((isAsset ? ASSET_HASH.exec(name) : null) ?? HASH.exec(name))?.[1]
  return hash !== undefined && /[\dA-Z]/.test(hash)
}

/** The folder's real path now: a link may lead elsewhere since the configuration was read. */
async function realFolder({ name, path, apartFrom }: Site): Promise<string> {
  const top = await realpath(path).catch(() => {
    throw new ApiError(404, `The folder of front-end '${name}' is not there`)
  })
  const apart = await Promise.all(apartFrom.map(other => realpath(other).catch(() => other)))
  if (!apart.some(other => overlap(top, other))) return top
  throw new ApiError(
    403,
    `The folder of front-end '${name}' leads to files of the server, which are not served`,
  )
}

/** The file at `name`, links followed as far as they stay in the folder; what is hidden is not served. */
async function findFile(top: string, name: string): Promise<string | undefined> {
  const parts = name.split('/')
  if (parts.some(part => part === '' || part.startsWith('.') || part.includes('\0'))) return undefined
  const path = await realpath(join(top, ...parts)).catch(() => undefined)
  if (path === undefined || !path.startsWith(`${top}/`)) return undefined
  return (await isFile(path)) ? path : undefined
}

/** A browser that opens an address of the front-end's own gets its page, which knows what to show there. */
async function findPage(top: string, { req, rest }: RawRequest): Promise<string | undefined> {
  const wantsPage = req.headers.accept?.includes('text/html') === true
  return wantsPage && !basename(rest).includes('.') ? findFile(top, 'index.html') : undefined
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false
}

/** The file `inside` itself, or a compressed form of it next to it, with the header for that form. */
async function smallestForm(
  top: string,
  inside: string,
  { req, res }: RawRequest,
): Promise<{ path: string; headers: Record<string, string> }> {
  const forms = await Promise.all(
    ENCODINGS.map(async ([name, ending]) => ({ name, path: await findFile(top, `${inside}${ending}`) })),
  )
  if (forms.some(({ path }) => path !== undefined)) res.appendHeader('Vary', 'Accept-Encoding')
  const accepted = acceptedEncodings(req.headers['accept-encoding']?.toString() ?? '')
  for (const { name, path } of forms) {
    if (path !== undefined && accepted.has(name)) return { path, headers: { 'Content-Encoding': name } }
  }
  return { path: join(top, inside), headers: {} }
}

/** RFC 9110, section 12.5.3: a weight of 0 takes an encoding out. */
function acceptedEncodings(header: string): Set<string> {
  const offers = header.split(',').map(offer => offer.split(';').map(part => part.trim().toLowerCase()))
  return new Set(offers.filter(([, weight]) => !/^q=0(\.0*)?$/.test(weight ?? '')).map(([name = '']) => name))
}
