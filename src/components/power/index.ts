// [power NAME]: plugs, relays and outputs that clients, macros and the job queue switch.
import { power as chapter } from '../../api/power.ts'
import { type Core, component } from '../../component/component.ts'
import { optional } from '../../component/service.ts'
import { ConfigError, type ReadSection } from '../../config/index.ts'
import { ApiError, messageOf } from '../../core/errors.ts'
import type { Scope } from '../../core/scope.ts'
import { type MachineServices, machineServices } from '../machine/service.ts'
import { type MqttBroker, mqttService } from '../mqtt/service.ts'
import { boundServices, checkServices, switchServices } from './bound-services.ts'
import { PowerDevice } from './device.ts'
import type { DriverContext, DriverModule } from './driver.ts'
import { KlippyRestart, switchOffAtShutdown } from './klippy-rules.ts'
import { deviceOptions, type OptionsOf, type PowerType, typeOptions } from './options.ts'
import { PowerGroup } from './power-group.ts'
import { powerService } from './service.ts'
import { driverLoaders } from './types/index.ts'

type Section = ReadSection<typeof deviceOptions>

/** A device, and how it starts. */
interface Configured {
  readonly device: PowerDevice
  readonly section: Section
  readonly start: () => Promise<void>
}

/** Services of other components that devices use. */
interface Helpers {
  readonly machine: () => MachineServices | null
  readonly mqtt: () => MqttBroker | null
}

/** Makes the device of a section. Throws ConfigError. */
function configure(core: Core, scope: Scope, { machine, mqtt }: Helpers, section: Section): Configured {
  const { name, options } = section
  const { type } = options
  const typed = section.read(typeOptions[type]) as OptionsOf<typeof type>
  const services = boundServices({ section }, options)
  const restart = options.restart_klipper_when_powered ? new KlippyRestart(core, scope, options) : null
  const device: PowerDevice = new PowerDevice({
    core,
    name,
    options,
    switched: async (state, isOurs) => {
      if (!isOurs && options.restrict_action_processing) return
      if (state === 'on') restart?.poweredOn()
      else restart?.cancel()
      await switchServices(core, machine(), services, state)
    },
  })
  if (options.off_when_shutdown) {
    switchOffAtShutdown(core, scope, device, options.off_when_shutdown_delay)
  }
  const context: DriverContext<PowerType> = {
    core,
    scope,
    name,
    section,
    common: options,
    options: typed,
    report: state => device.report(state),
    refresh: () => device.refresh(),
    mqtt,
  }
  const start = async () => {
    if (services.length > 0) void checkServices(core, machine(), section, services)
    const { open, failure } = (await driverLoaders[type]()) as DriverModule<PowerType>
    await device.start(await open(context), failure)
  }
  return { device, section, start }
}

/** Starts the devices, all at the same time. A device whose options cannot be used is left out, with a warning. */
async function startAll({ warnings, log }: Core, configured: readonly Configured[], group: PowerGroup) {
  await Promise.all(
    configured.map(async ({ device, section, start }) => {
      try {
        await start()
      } catch (error) {
        group.remove(device)
        warnings.add(`Section [${section.section}] is left out: ${messageOf(error)}`)
        if (!(error instanceof ConfigError)) log.error(`section [${section.section}]`, error)
      }
    }),
  )
}

function serve({ registry }: Core, scope: Scope, group: PowerGroup): void {
  scope.use(
    registry.serve(chapter, {
      'machine.device_power.devices': () => ({ devices: group.list() }),
      'machine.device_power.get_device': async ({ device }) => ({
        [device]: await group.request(device, 'status'),
      }),
      'machine.device_power.post_device': async ({ device, action }) => ({
        [device]: await group.request(device, actionOf(action)),
      }),
      'machine.device_power.status': ({ devices }) => group.requestAll(devices, 'status'),
      'machine.device_power.on': ({ devices }) => group.requestAll(devices, 'on'),
      'machine.device_power.off': ({ devices }) => group.requestAll(devices, 'off'),
    }),
  )
}

/** Throws ApiError 400 for a word that is no action. */
function actionOf(text: string) {
  const word = text.toLowerCase()
  if (word === 'on' || word === 'off' || word === 'toggle' || word === 'status') return word
  throw new ApiError(400, `Invalid requested action '${word}'`)
}

/** `set_device_power(device, state, force)` for macros. */
function serveKlipper({ printer, log }: Core, scope: Scope, group: PowerGroup): void {
  const { session } = printer
  session.addRemoteMethod('set_device_power', async ({ device, state, force = false }) => {
    const action = remoteAction(state)
    if (action === null) return log.warning(`set_device_power: invalid state: ${JSON.stringify(state)}`)
    await group.request(String(device), action, Boolean(force))
  })
  scope.defer(() => session.removeRemoteMethod('set_device_power'))
}

function remoteAction(state: unknown) {
  const word = String(state).toLowerCase()
  if (word === 'on' || word === 'true') return 'on'
  if (word === 'off' || word === 'false') return 'off'
  return word === 'toggle' ? 'toggle' : null
}

/** Devices with on_when_job_queued. */
function followQueue({ events, log }: Core, scope: Scope, configured: readonly Configured[]): void {
  const wanted = configured.filter(({ section }) => section.options.on_when_job_queued)
  if (wanted.length === 0) return
  scope.use(
    events.on('job:queued', () => {
      for (const { device } of wanted) {
        device.request('on').catch((error: unknown) => {
          log.warning(`${device.name} was not switched on for the queued job: ${messageOf(error)}`)
        })
      }
    }),
  )
}

export default component({
  section: 'power',
  presence: 'configured',
  options: {},
  named: { options: deviceOptions, byType: typeOptions },
  needs: { machine: optional(machineServices), mqtt: optional(mqttService) },
  provides: { devices: powerService },
  create({ core, scope, named, needs }) {
    const names = new Set<string>()
    const configured = named.each(section => {
      if (names.has(section.name)) throw section.error('another section has the same name')
      const made = configure(core, scope, needs, section)
      names.add(section.name)
      return made
    })
    const group = new PowerGroup(configured.map(({ device }) => device))
    serve(core, scope, group)
    serveKlipper(core, scope, group)
    followQueue(core, scope, configured)
    return {
      devices: group,
      start: () => startAll(core, configured, group),
      stop: () => group.stop(),
    }
  },
})
