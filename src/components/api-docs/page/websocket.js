// The WebSocket page: the server's OpenRPC document, and a connection to try its methods.
import { showCatalogue } from './catalogue.js'
import { showMethod, showNotification } from './chosen.js'
import { byId, messageOf } from './dom.js'
import { showProblem } from './header.js'
import { Link } from './link.js'
import { NotificationLog } from './log.js'
import { api, get, identification } from './session.js'
import { StatusView } from './status.js'

/** Seconds before a lost connection is opened again. */
const RETRY = 2

/**
 * Connects, and shows what comes.
 * @param {string} version
 */
function connect(version) {
  const url = new URL('websocket', api)
  url.protocol = api.protocol.replace('http', 'ws')
  const log = new NotificationLog()
  const identity = { client_name: 'moonraker-ts docs', version, type: 'other', url: api.href }
  const start = async () => {
    await link.resultOf('server.connection.identify', { ...identity, ...(await identification()) })
    await status.start()
  }
  const link = new Link(url, {
    opened: () => void start().catch(error => status.end(messageOf(error))),
    closed(reason) {
      status.end(reason === '' ? 'not connected' : reason)
      setTimeout(() => link.open(), RETRY * 1000)
    },
    notified(frame) {
      const [changes] = Array.isArray(frame.params) ? frame.params : []
      if (frame.method === 'notify_status_update') status.change(changes)
      if (frame.method === 'notify_klippy_ready') void status.start()
      if (frame.method === 'notify_klippy_disconnected') status.end('Klippy is not connected')
      log.add(frame)
    },
  })
  const status = new StatusView(link)
  link.open()
  return { link, log }
}

async function start() {
  const document = await get('openrpc.json')
  byId('desk', HTMLElement).hidden = false
  const { link, log } = connect(document.info.version)
  showCatalogue(document, entry => {
    if (entry.result !== undefined) showMethod(entry, link)
    else showNotification(entry, () => log.showOnly(entry.name))
  })
}

start().catch(showProblem)
