// [led_strip NAME]: the example component. It keeps the state of each strip and sends it to the strip's controller.
import { component } from '../../../src/component/component.ts'
import { ApiError, messageOf } from '../../../src/core/errors.ts'
import { bool, type Infer, int, string } from '../../../src/schema/index.ts'
import { ledStrips, type Strip } from './chapter.ts'

type StripState = Infer<typeof Strip>

/** The options of [led_strip NAME]. */
const stripOptions = {
  address: string().describe('URL of the controller'),
  initial_brightness: int({ min: 0, max: 255 }).describe('Brightness after the start, 0 to 255').default(128),
  on_at_start: bool().describe('Whether the strip is on after the start').default(false),
}

/** Seconds after which a controller that does not reply counts as unreachable. */
const TIMEOUT = 5
/** Bytes of its reply, which is not used. */
const MAX_REPLY = 1024

export default component({
  section: 'led_strip',
  presence: 'configured',
  options: {},
  named: { options: stripOptions },
  create({ core, scope, named }) {
    const addresses = new Map<string, string>()
    const strips = new Map<string, StripState>()
    named.each(({ name, options }) => {
      addresses.set(name, options.address)
      const state = options.on_at_start ? 'on' : 'off'
      strips.set(name, { name, state, brightness: options.initial_brightness })
    })

    const find = (name: string): StripState => {
      const strip = strips.get(name)
      if (strip === undefined) throw new ApiError(404, `No strip named '${name}'`)
      return strip
    }
    const send = async (name: string, url: string): Promise<void> => {
      try {
        const { status } = await core.host.http.send({ url, timeoutSeconds: TIMEOUT, maxBytes: MAX_REPLY })
        if (status >= 400) throw new Error(`its controller answers with status ${status}`)
      } catch (error) {
        throw new ApiError(502, `Strip ${name}: ${messageOf(error)}`)
      }
    }
    /** Sends the new state to the controller, then notifies all clients. */
    const change = async (name: string, changes: Partial<StripState>): Promise<StripState> => {
      const strip = { ...find(name), ...changes }
      const url = new URL(`?state=${strip.state}&level=${strip.brightness}`, addresses.get(name)).href
      await send(name, url)
      strips.set(name, strip)
      core.connections.notifyFrom(ledStrips, 'notify_led_strip_changed', strip)
      return strip
    }

    scope.use(
      core.registry.serve(ledStrips, {
        'machine.led_strip.list': () => ({ strips: [...strips.values()] }),
        'machine.led_strip.get': ({ strip }) => find(strip),
        'machine.led_strip.on': ({ strip }) => change(strip, { state: 'on' }),
        'machine.led_strip.off': ({ strip }) => change(strip, { state: 'off' }),
        'machine.led_strip.dim': ({ strip, brightness }) => change(strip, { brightness }),
      }),
    )
    return {}
  },
})
