// The WebSocket page of the API: the server's OpenRPC document, and a connection to try its methods.
import { byId, messageOf } from '../shared/dom.ts'
import { type OpenRpcDocument, showCatalogue } from './catalogue.ts'
import { showMethod, showNotification } from './chosen.ts'
import { showProblem, startHeader } from './header.ts'
import { Link } from './link.ts'
import { NotificationLog } from './log.ts'
import { api, get, identification } from './session.ts'
import { type Status, StatusView } from './status.ts'

/** Milliseconds before a lost connection is opened again. */
const RETRY = 2000

/** Connects, and shows the status and the notifications. `version` is that of the server. */
function connect(version: string): { readonly link: Link; readonly log: NotificationLog } {
  const url = new URL('websocket', api)
  url.protocol = api.protocol.replace('http', 'ws')
  const log = new NotificationLog()
  const identity = { client_name: 'moonraker-ts docs', version, type: 'other', url: api.href }
  const start = async () => {
    await link.resultOf('server.connection.identify', { ...identity, ...(await identification()) })
    await status.start()
  }
  const link = new Link(url, {
    opened: () => void start().catch((error: unknown) => status.end(messageOf(error))),
    closed(reason) {
      status.end(reason === '' ? 'not connected' : reason)
      setTimeout(() => link.open(), RETRY)
    },
    notified(frame) {
      const [changes] = Array.isArray(frame.params) ? (frame.params as [Status]) : []
      if (frame.method === 'notify_status_update' && changes !== undefined) status.change(changes)
      if (frame.method === 'notify_klippy_ready') void status.start()
      if (frame.method === 'notify_klippy_disconnected') status.end('Klippy is not connected')
      log.add(frame)
    },
  })
  const status = new StatusView(link)
  link.open()
  return { link, log }
}

async function start(): Promise<void> {
  const document = (await get('openrpc.json')) as OpenRpcDocument
  byId('desk', HTMLElement).hidden = false
  const { link, log } = connect(document.info.version)
  showCatalogue(document, entry => {
    if (entry.result !== undefined) showMethod(entry, link)
    else showNotification(entry, () => log.showOnly(entry.name))
  })
}

startHeader()
start().catch(showProblem)
