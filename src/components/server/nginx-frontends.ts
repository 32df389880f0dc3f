// Finds the front-ends that nginx serves on this machine, in the configuration of its sites.
import type { SystemFiles } from '../../core/system-files.ts'
import { trimBothOf } from '../../core/trim-characters.ts'

/** A front-end of another web server. */
export interface OtherFrontend {
  /** `mainsail` or `fluidd`. */
  readonly name: string
  readonly scheme: 'http' | 'https'
  readonly port: number
}

/** Where Debian and nginx itself have the sites. */
const FOLDERS = ['/etc/nginx/sites-enabled', '/etc/nginx/conf.d']
/** Files that are read of a folder. */
const MOST = 30
const NAMES = ['mainsail', 'fluidd']

/** Its process id, while it runs. */
const RUNNING = '/run/nginx.pid'

/** The front-ends that nginx serves, with one address each; none while nginx does not run. */
export async function nginxFrontends(files: SystemFiles): Promise<OtherFrontend[]> {
  if (!(await files.exists(RUNNING))) return []
  const found = new Map<string, OtherFrontend>()
  for (const folder of FOLDERS) {
    for (const name of (await files.names(folder)).slice(0, MOST)) {
      const text = await files.text(`${folder}/${name}`)
      for (const site of text === null ? [] : sitesOf(text)) {
        if (!found.has(site.name)) found.set(site.name, site)
      }
    }
  }
  return [...found.values()]
}

/** The front-ends in a configuration: the blocks `server` whose folder has the name of one, and that others can reach. */
function sitesOf(text: string): OtherFrontend[] {
  const sites: { root: string; readonly addresses: Omit<OtherFrontend, 'name'>[] }[] = []
  for (const [directive, ...values] of directivesOf(text)) {
    const site = sites.at(-1)
    // In a block `upstream`, `server` has a value.
    if (directive === 'server' && values.length === 0) sites.push({ root: '', addresses: [] })
    else if (directive === 'root' && site?.root === '') site.root = values[0] ?? ''
    else if (directive === 'listen') site?.addresses.push(...addressOf(values))
  }
  return sites.flatMap(({ root, addresses: [address] }) => {
    const name = NAMES.find(each => trimBothOf(root, '"/').endsWith(`/${each}`))
    return name === undefined || address === undefined ? [] : [{ name, ...address }]
  })
}

/** The words of each directive, without comments. */
function directivesOf(text: string): string[][] {
  const lines = text.split('\n').map(line => line.split('#', 1)[0])
  return lines
    .join(' ')
    .split(/[;{}]/)
    .map(directive => directive.trim().split(/\s+/))
}

/** The address in a directive `listen`; nothing for a unix socket and for an address of this machine only. */
function addressOf([address = '', ...options]: readonly string[]): Omit<OtherFrontend, 'name'>[] {
  if (/^(unix:|127\.|localhost|\[::1\])/.test(address)) return []
  const last = address.slice(address.lastIndexOf(':') + 1)
  const port = /^\d{1,5}$/.test(last) ? Number(last) : 80
  return [{ scheme: options.includes('ssl') ? 'https' : 'http', port }]
}
