// The options of [fleet].
import { ROLES } from '../../api/endpoint.ts'
import { commas, word } from '../../config/index.ts'
import { bool, Field, float, type InferShape, Invalid, int } from '../../schema/index.ts'

/** Labels in the state of a printer. */
const MAX_LABELS = 32
const LABEL = /^([A-Za-z0-9][\w.-]{0,62})=([^=,\n]{1,100})$/

/** NAME=VALUE, separated by commas or line breaks. */
const labels = new Field<Record<string, string>>(
  { type: 'object', additionalProperties: { type: 'string' } },
  (input, name) => {
    const items = String(input).split(/[,\n]/)
    const written = items.map(item => item.trim()).filter(item => item !== '')
    const pairs = written.map(item => LABEL.exec(item.replace(/ ?= ?/, '='))?.slice(1) as [string, string])
    if (pairs.length <= MAX_LABELS && !pairs.includes(undefined as never)) return Object.fromEntries(pairs)
    throw new Invalid(name, `at most ${MAX_LABELS} labels of the form NAME=VALUE, separated by commas`, input)
  },
)

export const fleetOptions = {
  engine: commas().describe('Addresses of the engine, such as tls://hub.example:4222'),
  role: word(...ROLES)
    .describe('The most that commands of the fleet may do at this printer')
    .default('operator'),
  labels: labels.describe('For the choice of a printer: NAME=VALUE, separated by commas').default({}),
  dispatch: bool().describe('Whether the printer takes jobs of the fleet').default(true),
  allow_calls: bool().describe('Whether commands may call any method of the API, within role').default(false),
  plate_clear: word('local', 'fleet')
    .describe("Who may confirm that the plate is clear: only this printer's own clients, or the fleet too")
    .default('local'),
  state_interval: float({ min: 0.25, max: 60 })
    .describe('Least time between two states while printing')
    .unit('s')
    .default(1),
  heartbeat: float({ min: 10, max: 300 }).describe('Longest time between two states').unit('s').default(30),
  cache_mb: int({ min: 0 })
    .describe('Files of the fleet that are kept for the next time; the file in use is always kept')
    .unit('MiB')
    .default(2048),
}

export type FleetOptions = InferShape<typeof fleetOptions>
