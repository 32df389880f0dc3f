// OpenRPC, "Service Discovery Method": how a client asks for the document of the API itself.
import { json, record } from '../schema/index.ts'
import { rpcOnly } from './endpoint.ts'

export const discovery = {
  'rpc.discover': rpcOnly({
    summary: 'This document: every method that is served, as OpenRPC',
    result: record(json()).describe('An OpenRPC document'),
    over: ['http', 'websocket', 'unix'],
  }),
}
