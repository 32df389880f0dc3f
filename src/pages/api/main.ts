// The first page of the API: the facts of this server, its addresses, sockets and components, and commands to try.
import type { Reply } from '../shared/api.ts'
import { byId, element } from '../shared/dom.ts'
import { startHeader } from './header.ts'
import { apiUrl, get } from './session.ts'

async function showFacts(): Promise<void> {
  const [about, info] = (await Promise.all([get('server/about'), get('server/info')])) as [
    Reply<'server.about'>,
    Reply<'server.info'>,
  ]
  const addresses = about.addresses.includes(apiUrl) ? about.addresses : [apiUrl, ...about.addresses]
  const versions = [about.version, `API ${info.api_version_string}`, `as Moonraker ${info.moonraker_version}`]
  const facts: readonly (readonly [string, readonly string[]])[] = [
    ['HTTP', addresses],
    ['WebSocket', addresses.map(address => `${address.replace(/^http/, 'ws')}/websocket`)],
    ['Unix socket', [about.socket]],
    ["Klipper's socket", [about.klippy_socket]],
    ['Version', versions],
    ['Components', info.components],
  ]
  byId('facts', HTMLElement).replaceChildren(
    ...facts.flatMap(([name, texts]) => [
      element('dt', {}, name),
      element('dd', {}, ...texts.flatMap(text => [element('code', {}, text), ' '])),
    ]),
  )
  byId('commands', HTMLElement).textContent = [
    `curl ${apiUrl}/server/info`,
    `curl -F file=@model.gcode -F print=true ${apiUrl}/server/files/upload`,
  ].join('\n')
  byId('about', HTMLElement).hidden = false
}

startHeader()
// Without a login the page shows nothing of the server.
showFacts().catch(() => {})
