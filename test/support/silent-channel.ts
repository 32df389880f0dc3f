// The channel of a client that receives nothing.
import type { Channel } from '../../src/rpc/connection.ts'

export const silentChannel: Channel = {
  send: () => {},
  sendShared: () => {},
  buffered: 0,
  onDrain: () => {},
  close: () => {},
  terminate: () => {},
}
