// The facts of this server on the first page: its addresses, sockets and components, and commands to try.
import { byId, element } from './dom.js'
import { api, get } from './session.js'

/** @typedef {{ version: string, addresses: string[], socket: string, klippy_socket: string }} About */

async function showFacts() {
  /** @type {[About, { components: string[], moonraker_version: string, api_version_string: string }]} */
  const [about, info] = await Promise.all([get('server/about'), get('server/info')])
  const base = api.href.replace(/\/$/, '')
  const addresses = about.addresses.includes(base) ? about.addresses : [base, ...about.addresses]
  const code = (/** @type {string} */ text) => element('code', {}, text)
  /** @type {[string, string[]][]} */
  const facts = [
    ['HTTP', addresses],
    ['WebSocket', addresses.map(address => `${address.replace(/^http/, 'ws')}/websocket`)],
    ['Unix socket', [about.socket]],
    ["Klipper's socket", [about.klippy_socket]],
    ['Version', [about.version, `API ${info.api_version_string}`, `as Moonraker ${info.moonraker_version}`]],
    ['Components', info.components],
  ]
  byId('facts', HTMLElement).replaceChildren(
    ...facts.flatMap(([name, texts]) => [
      element('dt', {}, name),
      element('dd', {}, ...texts.flatMap(text => [code(text), ' '])),
    ]),
  )
  byId('commands', HTMLElement).textContent = [
    `curl ${base}/server/info`,
    `curl -F file=@model.gcode -F print=true ${base}/server/files/upload`,
  ].join('\n')
  byId('about', HTMLElement).hidden = false
}

// Without a login the page shows nothing of the server.
showFacts().catch(() => {})
