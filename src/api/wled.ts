// API document: "WLED APIs". Our own: notify_wled_changed.
import { anyOf, choice, int, keyNames, object, record, string } from '../schema/index.ts'
import { chapter, notification } from './chapter.ts'
import { get, post } from './endpoint.ts'

/** A strip as clients see it. */
export const StripInfo = object({
  strip: string().describe('Its name'),
  status: choice('on', 'off'),
  chain_count: int().describe('The number of its LEDs'),
  preset: int().describe('The active preset; -1 for none'),
  brightness: int().describe('1 to 255; -1 if unknown'),
  intensity: int().describe('Of the effect, 0 to 255; -1 if unknown'),
  speed: int().describe('Of the effect, 0 to 255; -1 if unknown'),
  error: string().describe('Why the last request to the strip failed; null if it did not').nullable(),
})

const strip = string().describe('The name of the strip')
const strips = keyNames().describe('Each key is the name of a strip')
const Strips = record(anyOf(StripInfo, object({ error: string().describe('strip_not_found') }))).describe(
  'Each strip by its name',
)
const OneStrip = record(StripInfo).describe('The strip by its name')
const level = (about: string) => int().describe(about).default(-1)

export const wled = chapter({
  title: 'WLED APIs',
  about: 'LED strips with WLED: list, switch, presets, brightness',
  methods: {
    'machine.wled.strips': get('/machine/wled/strips', {
      summary: 'Every strip with its last known state',
      result: object({ strips: record(StripInfo) }),
    }),
    'machine.wled.status': get('/machine/wled/status', {
      summary: 'Read the states of several strips',
      params: { strips },
      result: Strips,
    }),
    'machine.wled.on': post('/machine/wled/on', {
      summary: 'Switch several strips on, in their initial state',
      params: { strips },
      result: Strips,
    }),
    'machine.wled.off': post('/machine/wled/off', {
      summary: 'Switch several strips off',
      params: { strips },
      result: Strips,
    }),
    'machine.wled.toggle': post('/machine/wled/toggle', {
      summary: 'Switch several strips: on if they are off, else off',
      params: { strips },
      result: Strips,
    }),
    'machine.wled.get_strip': get('/machine/wled/strip', {
      summary: 'Read the state of one strip',
      params: { strip },
      result: OneStrip,
    }),
    'machine.wled.post_strip': post('/machine/wled/strip', {
      summary: 'Switch one strip, or change its preset, brightness or effect',
      params: {
        strip,
        action: string().describe('on, off, toggle or control, in upper or lower case'),
        preset: level('For on and toggle: the preset; the initial state without one'),
        brightness: level('1 to 255; other values change nothing'),
        intensity: level('Of the effect of a preset, 0 to 255; other values change nothing'),
        speed: level('Of the effect of a preset, 0 to 255; other values change nothing'),
      },
      example: { strip: 'case', action: 'on' },
      result: OneStrip,
    }),
  },
  notifications: {
    notify_wled_changed: notification('The state of a strip changed', StripInfo),
  },
})
