// The ways to this printer: its addresses with a QR code, the front-ends, the API and the logs.

import { apiBase } from '../shared/address.ts'
import { button, element, svg } from '../shared/dom.ts'
import type { Actions } from './actions.ts'
import type { Model } from './model.ts'
import type { Panel } from './panel.ts'

type About = NonNullable<Model['about']>

/** Names of front-ends as their makers write them. */
const NAMES: Readonly<Record<string, string>> = { mainsail: 'Mainsail', fluidd: 'Fluidd' }

export class LinksPanel implements Panel {
  readonly element: HTMLElement
  readonly #actions: Actions
  readonly #content = element('div', { class: 'ways' })
  #shown: About | null = null

  constructor(actions: Actions) {
    this.#actions = actions
    this.element = element(
      'section',
      { class: 'card', 'aria-labelledby': 'links-title', hidden: '' },
      element('h2', { id: 'links-title' }, 'This printer'),
      this.#content,
    )
  }

  render({ about }: Model): void {
    if (about === this.#shown) return
    this.#shown = about
    this.element.hidden = about === null
    if (about === null) return
    const address = phoneAddress(about)
    const code = element('figure', { class: 'code' })
    if (address !== undefined) void showCode(code, address)
    this.#content.replaceChildren(
      element(
        'div',
        { class: 'links' },
        ...frontendLinks(about),
        link('docs/guide/', 'Documents'),
        link('docs/', 'API: read and try it'),
        this.#logLink('moonraker.log', 'Log of the server'),
        this.#logLink('klippy.log', 'Log of Klipper'),
      ),
      code,
      element(
        'details',
        {},
        element('summary', {}, 'Addresses'),
        element(
          'ul',
          {},
          ...about.addresses.map(text => element('li', { class: 'name' }, link(`${text}/`, text))),
        ),
      ),
      ...(about.frontends.length + about.nginx_frontends.length === 0 ? [hostedPart(about)] : []),
    )
  }

  /** A log opens in another tab; a logged-in user needs a token for that. */
  #logLink(name: string, text: string): HTMLElement {
    return button(
      text,
      async () => {
        // Opened at once: browsers refuse a window that is opened after a wait.
        const tab = open('', '_blank')
        const isOpened = await this.#actions.run(async client => {
          const token = await client.call('access.oneshot_token')
          const url = new URL(`server/files/${name}?token=${token}`, apiBase()).href
          if (tab === null) location.assign(url)
          else tab.location.href = url
        })
        if (!isOpened) tab?.close()
      },
      { class: 'small' },
    )
  }
}

function link(href: string, text: string): HTMLAnchorElement {
  return element('a', { href, rel: 'noreferrer' }, text)
}

/** Links to the front-ends that this server serves, and to the further ones that nginx serves on the same machine. */
function frontendLinks({ frontends, nginx_frontends: others }: About): HTMLElement[] {
  const served = new Set(frontends.map(({ name }) => name))
  const further = others.filter(({ name }) => !served.has(name))
  return [
    ...frontends.map(({ name, path }) => frontendLink(name, new URL(path.slice(1), apiBase()).href)),
    ...further.map(({ name, scheme, port }) =>
      frontendLink(name, new URL(`${scheme}://${location.hostname}:${port}/`).href),
    ),
  ]
}

function frontendLink(name: string, url: string): HTMLElement {
  const made = link(url, `Open ${NAMES[name] ?? name}`)
  made.className = 'button main small'
  return made
}

/** The address that a phone can open: that of this page, unless it is one of this machine only. */
function phoneAddress({ addresses }: About): string | undefined {
  const isLocal = /^(localhost|127\.|\[::1\])/.test(location.hostname)
  if (!isLocal) return location.href.split(/[?#]/, 1)[0]
  return addresses.find(text => !/\/\/(localhost|127\.|\[::1\])/.test(text))
}

async function showCode(figure: HTMLElement, address: string): Promise<void> {
  const { encode } = await import('uqr')
  const { data, size } = encode(address, { border: 2 })
  const path = data.flatMap((row, y) => row.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : ''))).join('')
  const picture = svg('svg', {
    viewBox: `0 0 ${size} ${size}`,
    role: 'img',
    'aria-label': `QR code of ${address}`,
  })
  picture.append(svg('path', { d: path }))
  figure.replaceChildren(
    picture,
    element(
      'figcaption',
      {},
      element('p', {}, 'Scan this to open the page on a phone.'),
      element('p', { class: 'faint name' }, address),
    ),
  )
}

function hostedPart({ refused_sites: refused }: About): HTMLElement {
  const part = element(
    'details',
    {},
    element('summary', {}, 'Mainsail and Fluidd'),
    element(
      'p',
      {},
      'This server can serve them itself: docs/front-ends.md explains [frontend NAME]. Or open ',
      link('http://my.mainsail.xyz', 'my.mainsail.xyz'),
      ' or ',
      link('http://app.fluidd.xyz', 'app.fluidd.xyz'),
      ' and add this printer there.',
    ),
  )
  if (refused.length > 0) {
    const lines = ['[authorization]', 'cors_domains:', ...refused.map(site => `    ${site}`)]
    part.append(
      element('p', {}, 'First allow them in moonraker.conf, and restart the server:'),
      element('pre', {}, lines.join('\n')),
    )
  }
  return part
}
