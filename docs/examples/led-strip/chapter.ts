// The chapter of the example component: its five methods and one notification.
import { chapter, notification } from '../../../src/api/chapter.ts'
import { endpoints } from '../../../src/api/endpoint.ts'
import { choice, int, list, object, string } from '../../../src/schema/index.ts'

const { get, post } = endpoints({ changingRole: 'operator' })

/** A strip as clients see it. */
export const Strip = object({
  name: string(),
  state: choice('on', 'off'),
  brightness: int().describe('0 to 255'),
})

const strip = string().describe('The name of the strip')

export const ledStrips = chapter({
  title: 'LED strips',
  about: 'Strips of LEDs: list, switch, dim',
  methods: {
    'machine.led_strip.list': get('/machine/led_strip/list', {
      summary: 'Every configured strip',
      result: object({ strips: list(Strip) }),
    }),
    'machine.led_strip.get': get('/machine/led_strip/strip', {
      summary: 'One strip',
      params: { strip },
      result: Strip,
    }),
    'machine.led_strip.on': post('/machine/led_strip/on', {
      summary: 'Switch a strip on',
      params: { strip },
      result: Strip,
    }),
    'machine.led_strip.off': post('/machine/led_strip/off', {
      summary: 'Switch a strip off',
      params: { strip },
      result: Strip,
    }),
    'machine.led_strip.dim': post('/machine/led_strip/dim', {
      summary: 'Set the brightness of a strip',
      params: { strip, brightness: int({ min: 0, max: 255 }) },
      result: Strip,
    }),
  },
  notifications: {
    notify_led_strip_changed: notification('A strip was switched or dimmed', Strip),
  },
})
