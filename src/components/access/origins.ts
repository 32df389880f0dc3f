// Which web pages may use the API: the patterns of `cors_domains`.

/** Matches origins such as `http://my.mainsail.xyz` against patterns in which `*` stands for anything but a slash. */
export class Origins {
  readonly #patterns: RegExp[] = []
  readonly #any: boolean
  /** Patterns whose wildcard reaches into the top-level domain: they would let half the internet in. */
  readonly tooWide: string[] = []

  constructor(domains: readonly string[]) {
    this.#any = domains.includes('*')
    for (const domain of domains) {
      if (domain === '*') continue
      if (hasWildcardTopLevel(domain)) this.tooWide.push(domain)
      else this.#patterns.push(toPattern(domain))
    }
  }

  /** Whether pages of `origin` may use the API. A page without an origin of its own (`null`) never may. */
  allows(origin: string): boolean {
    if (origin === 'null') return false
    return this.#any || this.#patterns.some(pattern => pattern.test(origin))
  }
}

function toPattern(domain: string): RegExp {
  const escaped = domain.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^/]*')
  const scheme = domain.includes('://') ? '' : '[a-z][a-z0-9+.-]*://'
  return new RegExp(`^${scheme}${escaped}/?$`, 'i')
}

function hasWildcardTopLevel(domain: string): boolean {
  const host = domain.replace(/^[^/]*:\/\//, '').replace(/:[^:]*$/, '')
  return host.includes('.') && (host.split('.').at(-1) ?? '').includes('*')
}
