// Documents of the API itself. `rpc.discover` is the "Service Discovery Method" of OpenRPC.
import { json, record, string } from '../schema/index.ts'
import { chapter } from './chapter.ts'
import { DIRECT_TRANSPORTS, rpcOnly } from './endpoint.ts'

export const discovery = chapter({
  title: 'Service Discovery',
  about: 'Documents of the API, for programs',
  methods: {
    'rpc.discover': rpcOnly({
      summary: 'Every method that the server serves, as an OpenRPC document',
      result: record(json()).describe('An OpenRPC document'),
      role: 'viewer',
      transports: DIRECT_TRANSPORTS,
    }),
  },
  raw: {
    openapi: {
      verb: 'GET',
      path: '/openapi.json',
      summary: 'Every HTTP route that the server serves, as an OpenAPI document',
      status: 200,
      reply: { 'application/json': record(json()).json },
    },
    openrpc: {
      verb: 'GET',
      path: '/openrpc.json',
      summary: 'The reply of rpc.discover',
      status: 200,
      reply: { 'application/json': record(json()).json },
    },
    'server.zeroconf.ssdp': {
      verb: 'GET',
      path: '/server/zeroconf/ssdp',
      summary: 'The server as a UPnP device',
      status: 200,
      reply: { 'application/xml': string().json },
    },
  },
})
