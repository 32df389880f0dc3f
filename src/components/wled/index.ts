// [wled NAME]: LED strips with WLED, which clients and macros switch and colour.
import type { ParamsOf } from '../../api/index.ts'
import { wled as chapter } from '../../api/wled.ts'
import { type Core, component } from '../../component/component.ts'
import type { ReadSection } from '../../config/index.ts'
import type { Timer } from '../../core/clock.ts'
import { ApiError, messageOf } from '../../core/errors.ts'
import type { Scope } from '../../core/scope.ts'
import { HttpDevice } from './http-device.ts'
import { serveMacros } from './macros.ts'
import { httpOptions, serialOptions, stripOptions } from './options.ts'
import { SerialDevice } from './serial-device.ts'
import { type Look, Strip } from './strip.ts'

/** Seconds until a strip that cannot be reached at the start gets its initial state. */
const RETRY_SECONDS = 10

const UNCHANGED: Look = { brightness: -1, intensity: -1, speed: -1 }
const NO_PRESET = -1

type StripChange = ParamsOf<(typeof chapter)['methods']['machine.wled.post_strip']>

function configure(core: Core, section: ReadSection<typeof stripOptions>, signal: AbortSignal): Strip {
  const { name, options } = section
  const { initial_red, initial_green, initial_blue, initial_white } = options
  const byte = (part: number) => Math.round(part * 255)
  const device =
    options.type === 'serial'
      ? new SerialDevice(core, section.read(serialOptions), signal)
      : new HttpDevice(core.host.http, core.clock, section.read(httpOptions), signal)
  return new Strip(
    {
      name,
      count: options.chain_count,
      preset: options.initial_preset,
      colour: [byte(initial_red), byte(initial_green), byte(initial_blue), byte(initial_white)],
    },
    device,
    info => core.connections.notify('notify_wled_changed', info),
  )
}

function change(strip: Strip, { action, preset, ...look }: StripChange): Promise<void> {
  const word = action.toLowerCase()
  if (word === 'on') return strip.on(preset, look)
  if (word === 'off') return strip.off()
  if (word === 'toggle') return strip.toggle(preset, look)
  if (word === 'control') return strip.control(look)
  throw new ApiError(400, `Invalid requested action '${action}'`)
}

function serve({ registry, log }: Core, scope: Scope, strips: ReadonlyMap<string, Strip>): void {
  const failed = (strip: Strip, error: unknown) =>
    log.warning(`strip ${strip.name} did not do what was requested: ${messageOf(error)}`)
  const one = async (name: string, command: (strip: Strip) => Promise<void>) => {
    const strip = strips.get(name)
    if (strip === undefined) throw new ApiError(400, `No valid strip named ${name}`)
    try {
      await command(strip)
    } catch (error) {
      if (error instanceof ApiError) throw error
      failed(strip, error)
      throw new ApiError(502, `Strip ${name}: ${messageOf(error)}`)
    }
    return { [name]: strip.info }
  }
  /** All at the same time. A strip that fails has `error` in the reply. */
  const several = async (names: readonly string[], command: (strip: Strip) => Promise<void>) => {
    if (names.length === 0) throw new ApiError(400, 'No arguments provided')
    const entries = names.map(async (name): Promise<[string, Strip['info'] | { error: string }]> => {
      const strip = strips.get(name)
      if (strip === undefined) return [name, { error: 'strip_not_found' }]
      try {
        await command(strip)
        return [name, strip.info]
      } catch (error) {
        failed(strip, error)
        return [name, { ...strip.info, error: messageOf(error) }]
      }
    })
    return Object.fromEntries(await Promise.all(entries))
  }
  scope.use(
    registry.serve(chapter, {
      'machine.wled.strips': () => ({
        strips: Object.fromEntries([...strips].map(([name, { info }]) => [name, info])),
      }),
      'machine.wled.status': request => several(request.strips, strip => strip.read()),
      'machine.wled.on': request => several(request.strips, strip => strip.on(NO_PRESET, UNCHANGED)),
      'machine.wled.off': request => several(request.strips, strip => strip.off()),
      'machine.wled.toggle': request => several(request.strips, strip => strip.toggle(NO_PRESET, UNCHANGED)),
      'machine.wled.get_strip': request => one(request.strip, strip => strip.read()),
      'machine.wled.post_strip': request => one(request.strip, strip => change(strip, request)),
    }),
  )
}

/** Sends each strip its initial state, until it replies. Returns a function that ends this. */
function startAll({ clock, log }: Core, strips: Iterable<Strip>, signal: AbortSignal): () => void {
  const timers = new Map<Strip, Timer>()
  const start = async (strip: Strip, isFirst: boolean): Promise<void> => {
    timers.delete(strip)
    // A user may have switched it in the meantime.
    if (strip.hasObeyed) return
    try {
      await strip.start()
    } catch (error) {
      if (signal.aborted) return
      if (isFirst) log.warning(`strip ${strip.name} cannot be reached: ${messageOf(error)}`)
      timers.set(
        strip,
        clock.after(RETRY_SECONDS, () => void start(strip, false)),
      )
    }
  }
  for (const strip of strips) void start(strip, true)
  return () => {
    for (const timer of timers.values()) timer.stop()
  }
}

export default component({
  section: 'wled',
  presence: 'configured',
  options: {},
  named: { options: stripOptions, byType: { http: httpOptions, serial: serialOptions } },
  create({ core, scope, named }) {
    const ending = new AbortController()
    const strips = new Map(
      named.each(section => {
        const strip = configure(core, section, ending.signal)
        return [strip.name, strip] as const
      }),
    )
    serve(core, scope, strips)
    serveMacros(core, scope, strips)
    return {
      start() {
        scope.defer(startAll(core, strips.values(), ending.signal))
      },
      stop: () => ending.abort(new ApiError(503, 'The server stops')),
    }
  },
})
