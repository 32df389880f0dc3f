// API document: "Fleet" (the printer's side; hubs have a contract of their own).
import { bool, int, list, object, string } from '../schema/index.ts'
import { chapter } from './chapter.ts'
import { endpoints } from './endpoint.ts'

const { get, post } = endpoints({ changingRole: 'admin' })

const Status = object({
  connected: bool(),
  engine: list(string()).describe('Addresses of the engine'),
  problem: string().nullable().describe('Why the printer is not connected, or cannot use its slot'),
  blocked: string().nullable().describe('Why the printer takes no jobs; null if it does'),
  plate_clear: bool(),
  maintenance: bool(),
  job: object({
    id: string(),
    attempt: int(),
    phase: string().describe('accepting, accepted, starting, printing, ended'),
    file: string(),
  })
    .nullable()
    .describe('The job of the fleet that the printer holds'),
  events_waiting: int().describe('Events that the engine has not acknowledged'),
  epoch: string().describe("The id of the engine's data whose offers the printer accepts"),
  new_epoch: string().nullable().describe('The id that the hub names, if it is another one'),
})

export const fleetAgent = chapter({
  title: 'Printers of a fleet',
  about: 'The printer as a part of a fleet, by section [fleet]',
  methods: {
    'server.fleet.status': get('/server/fleet/status', {
      summary: 'The connection to the fleet, and the job that the printer holds',
      result: Status,
    }),
    'server.fleet.confirm_epoch': post('/server/fleet/confirm_epoch', {
      summary: 'Accept jobs of an engine whose data were restored or emptied',
      params: { epoch: string().describe('As new_epoch of server.fleet.status') },
      result: Status,
    }),
    'server.fleet.leave': post('/server/fleet/leave', {
      summary: 'Leave the fleet: removes the credential and section [fleet], then the server restarts',
      result: string(),
    }),
  },
})

export const fleetJoin = chapter({
  title: 'Joining a fleet',
  about: 'Makes the printer a part of a fleet; needs no section',
  methods: {
    'server.fleet.join': post('/server/fleet/join', {
      summary: 'Join a fleet by a code of its hub: writes section [fleet], then the server restarts',
      params: {
        code: string(),
        name: string()
          .describe('How the fleet calls the printer; the name of the machine if left out')
          .optional(),
      },
      result: object({ id: string().describe('The id of the printer'), engine: list(string()) }),
    }),
  },
})
