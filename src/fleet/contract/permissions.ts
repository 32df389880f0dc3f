// What a printer may do in the engine: one template for all printers, which the engine fills in with the name of the
// credential. A printer needs no consumer and no access to the API of streams.
import { subjects } from './names.ts'

/** The engine replaces it with the name in the credential, the id of the printer. It must be a whole token. */
const NAME = '{{name()}}'

const NANOSECONDS = 1e9

/** The template of the scoped signing key `printer` of the account, in the form that its JWT has. */
export const PRINTER_PERMISSIONS = {
  pub: {
    allow: [
      subjects.events(NAME),
      subjects.live(NAME),
      subjects.key('fleet_state', NAME),
      subjects.key('fleet_slots', NAME),
      subjects.directGet('fleet_slots', NAME),
    ],
  },
  sub: {
    allow: [
      subjects.commands(NAME),
      subjects.all,
      subjects.key('fleet_slots', NAME),
      `${subjects.inbox(NAME)}.>`,
    ],
  },
  /** One reply to each command, within 30 s. */
  resp: { max: 1, ttl: 30 * NANOSECONDS },
} as const

/** The name of the scoped signing key. */
export const PRINTER_KEY_ROLE = 'printer'
