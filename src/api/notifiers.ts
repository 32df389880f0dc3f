// API document: "Notifier APIs".
import { json, list, object, string } from '../schema/index.ts'
import { chapter } from './chapter.ts'
import { endpoints } from './endpoint.ts'

const { get, post } = endpoints({ changingRole: 'admin' })

/** A notifier as configured; templates are not rendered. */
const Notifier = object({
  name: string(),
  url: string().describe('As configured: a value of moonraker.secrets is not shown'),
  title: string().nullable(),
  body: string().nullable(),
  body_format: string().nullable().describe('text, markdown or html'),
  events: list(string()),
  attach: string().nullable(),
})

export const notifiers = chapter({
  title: 'Notifier APIs',
  about: 'Messages to users when a print starts, ends or fails',
  methods: {
    'server.notifiers.list': get('/server/notifiers/list', {
      summary: 'Every configured notifier',
      result: object({ notifiers: list(Notifier) }),
    }),
  },
})

export const notifiersDebug = chapter({
  title: 'Notifier Debug APIs',
  about: 'For developers; served with the option -g only',
  methods: {
    'debug.notifiers.test': post('/debug/notifiers/test', {
      summary: 'Send a test message and wait for its delivery',
      params: { name: string().describe('The name of the notifier') },
      result: object({ status: string(), stats: json() }),
    }),
  },
})
