// Several printers in one process: the list of them and their states. Served at the shared listener of a workshop.
import { bool, choice, float, list, object, string } from '../schema/index.ts'
import { chapter, notification } from './chapter.ts'
import { get, post } from './endpoint.ts'

/** One printer of a workshop. */
export const WorkshopPrinter = object({
  name: string(),
  instance_id: string().describe('The id of its data folder; null where it is not known').nullable(),
  path: string()
    .describe('The path of its API at the shared listener; null for a server elsewhere')
    .nullable(),
  url: string().describe('The address of a server elsewhere').nullable(),
  klippy_state: choice('disconnected', 'startup', 'ready', 'error', 'shutdown'),
  print: object({
    state: string().describe("Klipper's word: printing, paused, complete, cancelled, error"),
    filename: string(),
    progress: float().describe('0 to 1'),
  })
    .describe('The present or the last print; null before the first')
    .nullable(),
  camera: bool().describe('Whether there is a picture of it at /workshop/printers/NAME/picture'),
  error: string().describe('Why its server does not run or cannot be reached').nullable(),
})

/** What a reload changed, as names of printers. */
export const WorkshopReload = object({
  started: list(string()),
  stopped: list(string()),
  restarted: list(string()),
  warnings: list(string()).describe('What takes effect only at the next start of the process'),
})

export const workshop = chapter({
  title: 'Workshop',
  about: 'Several printers in one process, at their shared listener',
  methods: {
    'workshop.printers': get('/workshop/printers', {
      summary:
        'All printers with their states. A connection that calls this gets notify_workshop_changed from then on',
      result: list(WorkshopPrinter),
    }),
    'workshop.reload': post('/workshop/reload', {
      role: 'admin',
      summary: 'Read workshop.conf again: start new printers, stop removed ones, restart changed ones',
      result: WorkshopReload,
    }),
  },
  raw: {
    'workshop.picture': {
      verb: 'GET',
      path: '/workshop/printers/{name}/picture',
      summary: 'A picture of the first camera of a printer, some seconds old at most',
      status: 200,
      reply: { 'image/jpeg': string().json },
    },
  },
  notifications: {
    notify_workshop_changed: notification(
      'Printers have changed; at most once a second',
      object({ changed: list(WorkshopPrinter), removed: list(string()) }),
    ),
  },
})
