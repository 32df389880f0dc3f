// [data_store]: keeps temperatures and console lines, for clients that connect later.
import { dataStore as chapter } from '../../api/server.ts'
import { type Component, type Core, component } from '../../component/component.ts'
import type { Timer } from '../../core/clock.ts'
import { messageOf } from '../../core/errors.ts'
import type { Scope } from '../../core/scope.ts'
import { int } from '../../schema/index.ts'
import { GcodeStore } from './gcode-store.ts'
import { TemperatureStore } from './temperature-store.ts'

/** No client could show more, and memory would run out. */
const MAX_SIZE = 1_000_000

/** Seconds between samples while clients are present. */
const PERIOD = 1
/** Seconds between samples otherwise. Klippy pushes nothing then, and an idle server wakes up less often. */
const UNWATCHED_PERIOD = 2

function recordTemperatures(core: Core, scope: Scope, store: TemperatureStore): void {
  const { clock, events, log, presence, printer } = core
  const failed = (error: unknown) => {
    if (printer.link.connected) log.warning(`cannot record temperatures: ${messageOf(error)}`)
  }
  let timer: Timer | null = null
  const follow = (isWatched: boolean) => {
    timer?.stop()
    const period = isWatched ? PERIOD : UNWATCHED_PERIOD
    timer = clock.every(period, () => store.sample(period).catch(failed))
    store.setSubscribed(isWatched).catch(failed)
  }
  scope.use(presence.follow(follow))
  scope.defer(() => timer?.stop())
  scope.use(events.on('klippy:ready', () => store.start().catch(failed)))
  scope.use(events.on('klippy:disconnected', () => store.pause()))
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
    recordConsole(core, scope, gcode)
    scope.use(
      core.registry.serve(chapter, {
        'server.temperature_store': ({ include_monitors }) => temperatures.reply(include_monitors),
        'server.gcode_store': ({ count }) => gcode.reply(count),
      }),
    )
    return { start: () => recordTemperatures(core, scope, temperatures) }
  },
})
