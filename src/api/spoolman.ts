// API document: "Spoolman APIs". The spools of the printer, stored on a Spoolman server, and requests to that server.
import { bool, float, int, json, list, object, record, string } from '../schema/index.ts'
import { chapter, notification } from './chapter.ts'
import { get, post } from './endpoint.ts'

/** More tools than any printer has. */
const MAX_TOOL = 255

const spoolId = int({ min: 0 }).describe("Spoolman's number of the spool; null for none").nullable()
const toolSpools = record(int()).describe('Tool to spool, for tools with a spool of their own')
const tool = int({ min: 0, max: MAX_TOOL })
  .describe('A tool with a spool of its own: 0 is the extruder `extruder`, 1 is `extruder1`')
  .optional()

const ActiveSpool = object({ spool_id: spoolId, tool })

export const spoolman = chapter({
  title: 'Spoolman APIs',
  about: 'The active spool, its use, and requests to the Spoolman server',
  methods: {
    'server.spoolman.status': get('/server/spoolman/status', {
      summary: 'The connection to Spoolman, the active spool, and the use that is not reported yet',
      result: object({
        spoolman_connected: bool(),
        pending_reports: list(
          object({ spool_id: int(), filament_used: float().describe('Millimetres of filament') }),
        ).describe('Use that Spoolman has not confirmed'),
        spool_id: spoolId,
        tool_spools: toolSpools.optional(),
      }),
    }),
    'server.spoolman.post_spool_id': post('/server/spoolman/spool_id', {
      summary: 'Set the active spool, or the spool of a tool; without spool_id, no spool',
      params: { spool_id: spoolId.default(null), tool },
      result: ActiveSpool,
    }),
    'server.spoolman.get_spool_id': get('/server/spoolman/spool_id', {
      summary: 'The active spool, or the spool of a tool',
      params: { tool },
      result: ActiveSpool,
    }),
    'server.spoolman.proxy': post('/server/spoolman/proxy', {
      summary: "Send a request to Spoolman's own API",
      params: {
        request_method: string().describe('GET, POST, PUT, PATCH or DELETE'),
        path: string().describe('With the version of the API in front, as /v1/spool'),
        query: string().describe('As in a URL, without the question mark').nullable().optional(),
        body: json().describe('Sent as JSON; not with GET').optional(),
        use_v2_response: bool()
          .describe('Whether the result has the fields response, response_headers and error')
          .default(false),
      },
      result: json().describe("Spoolman's reply"),
      example: { request_method: 'GET', path: '/v1/spool' },
    }),
  },
  notifications: {
    notify_active_spool_set: notification('The active spool changed', object({ spool_id: spoolId })),
    notify_tool_spools_changed: notification(
      'The spool of a tool changed',
      object({ tool_spools: toolSpools }),
    ),
    notify_spoolman_status_changed: notification(
      'The connection to Spoolman was made or lost',
      object({ spoolman_connected: bool() }),
    ),
  },
})
