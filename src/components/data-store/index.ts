// [data_store]: stores temperatures and console lines, so that clients that connect later can show them.
import { dataStore as chapter } from '../../api/server.ts'
import { type Component, type Core, component } from '../../component/component.ts'
import { messageOf } from '../../core/errors.ts'
import type { Scope } from '../../core/scope.ts'
import { int } from '../../schema/index.ts'
import { GcodeStore } from './gcode-store.ts'
import { TemperatureStore } from './temperature-store.ts'

/** The most values; no client can show more, and memory would run out. */
const MAX_SIZE = 1_000_000

function recordTemperatures({ printer, events, log }: Core, scope: Scope, store: TemperatureStore): void {
  const failed = (error: unknown) => {
    if (printer.link.connected) log.warning(`cannot record temperatures: ${messageOf(error)}`)
  }
  scope.use(events.on('klippy:ready', () => store.follow().catch(failed)))
  scope.use(events.on('klippy:disconnected', () => store.pause()))
  scope.defer(() => printer.unsubscribe(store))
}

function recordConsole({ events, clock }: Core, scope: Scope, store: GcodeStore): void {
  scope.use(events.on('klippy:gcode_response', line => store.add('response', line, clock.now())))
  scope.use(events.on('klippy:gcode_command', script => store.add('command', script, clock.now())))
}

export default component({
  section: 'data_store',
  presence: 'always',
  options: {
    temperature_store_size: int({ min: 1, max: MAX_SIZE })
      .describe('Temperatures kept of each sensor, one per second')
      .default(1200),
    gcode_store_size: int({ min: 1, max: MAX_SIZE }).describe('Lines kept of the console').default(1000),
  },
  create({ core, section: { options }, scope }): Component {
    const temperatures = new TemperatureStore(core.printer, options.temperature_store_size)
    const gcode = new GcodeStore(options.gcode_store_size)
    recordTemperatures(core, scope, temperatures)
    recordConsole(core, scope, gcode)
    scope.use(
      core.registry.serve(chapter, {
        'server.temperature_store': ({ include_monitors }) => temperatures.reply(include_monitors),
        'server.gcode_store': ({ count }) => gcode.reply(count),
      }),
    )
    return {
      start: () => {
        const timer = core.clock.every(1, () => temperatures.sample())
        scope.defer(() => timer.stop())
      },
    }
  },
})
