// Which web pages may use the API: the patterns of `cors_domains`.
import { ipVersion } from '../../core/ip-version.ts'

/** Longer origins and hosts match nothing: the time that a pattern takes may grow with the square of the length. */
const MAX_LENGTH = 300

/** Matches origins such as `http://my.mainsail.xyz` against patterns in which `*` matches anything but a slash. */
export class Origins {
  readonly #origins: RegExp[] = []
  readonly #hosts: RegExp[] = []
  /** Whether there is any pattern. */
  readonly configured: boolean
  /** Patterns that match every host. */
  readonly unlimited: string[] = []
  /** Patterns whose wildcard reaches into the top-level domain; they are ignored. */
  readonly tooWide: string[] = []

  constructor(domains: readonly string[]) {
    this.configured = domains.length > 0
    for (const domain of domains) {
      const host = hostOf(domain)
      if (/^\*+$/.test(host)) this.unlimited.push(domain)
      else if (hasWildcardTopLevel(host)) {
        this.tooWide.push(domain)
        continue
      } else this.#hosts.push(toPattern(host))
      this.#origins.push(toPattern(domain === '*' ? '*://*' : withScheme(domain)))
    }
  }

  /** Whether pages of `origin` may use the API. A page without an origin of its own (`null`) never may. */
  allows(origin: string): boolean {
    return origin !== 'null' && matches(this.#origins, origin)
  }

  /** Whether a pattern names the host `host`. */
  namesHost(host: string): boolean {
    return matches(this.#hosts, host)
  }
}

function matches(patterns: readonly RegExp[], text: string): boolean {
  return text.length <= MAX_LENGTH && patterns.some(pattern => pattern.test(text))
}

/** The address in an origin such as `http://192.168.1.5:8080`; undefined for a host name. */
export function addressOfOrigin(origin: string): string | undefined {
  const match = /^https?:\/\/(?:\[([^\]]+)\]|([^:/]+))(?::\d+)?$/i.exec(origin)
  const host = match?.[1] ?? match?.[2] ?? ''
  return ipVersion(host) === 0 ? undefined : host
}

function withScheme(domain: string): string {
  return domain.includes('://') ? domain : `*://${domain}`
}

function toPattern(text: string): RegExp {
  const escaped = text.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^/]*')
  return new RegExp(`^${escaped}/?$`, 'i')
}

function hostOf(domain: string): string {
  return domain
    .replace(/^[^/]*:\/\//, '')
    .replace(/\/$/, '')
    .replace(/:[^:]*$/, '')
}

function hasWildcardTopLevel(host: string): boolean {
  return host.includes('.') && (host.split('.').at(-1) ?? '').includes('*')
}
