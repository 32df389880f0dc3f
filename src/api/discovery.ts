// OpenRPC, "Service Discovery Method": how a client asks for the document of the API itself.
import { json, record, string } from '../schema/index.ts'
import { chapter } from './chapter.ts'
import { DIRECT_TRANSPORTS, rpcOnly } from './endpoint.ts'

export const discovery = chapter({
  title: 'Service Discovery',
  about: 'Documents of the API, for programs',
  methods: {
    'rpc.discover': rpcOnly({
      summary: 'This document: every method that is served, as OpenRPC',
      result: record(json()).describe('An OpenRPC document'),
      role: 'viewer',
      transports: DIRECT_TRANSPORTS,
    }),
  },
  raw: {
    openapi: {
      verb: 'GET',
      path: '/openapi.json',
      summary: 'This document',
      status: 200,
      reply: { 'application/json': record(json()).json },
    },
    openrpc: {
      verb: 'GET',
      path: '/openrpc.json',
      summary: 'The same for JSON-RPC, as OpenRPC',
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
