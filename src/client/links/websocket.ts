// JSON-RPC over the WebSocket that is built into browsers and Node.
import { ConnectionLost } from '../errors.ts'
import type { Link, OpenLink } from '../link.ts'

/** Opens the WebSocket at `url`, such as ws://host:7125/websocket; adds a missing `/websocket`. */
export function webSocketLink(url: string): OpenLink {
  const address = new URL(url)
  if (!address.pathname.endsWith('/websocket')) {
    address.pathname = `${address.pathname.replace(/\/$/, '')}/websocket`
  }
  return listener =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(address)
      let open = false
      const link: Link = {
        lasting: true,
        send: text => socket.send(text),
        close: () => socket.close(),
      }
      socket.onopen = () => {
        open = true
        resolve(link)
      }
      socket.onmessage = ({ data }) => listener.message(String(data))
      socket.onclose = ({ code, reason }) => {
        if (open) listener.closed(reason === '' ? `closed with code ${code}` : reason)
        else reject(new ConnectionLost(`cannot connect to ${address.href}`))
      }
    })
}
