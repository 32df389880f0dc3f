// [machine]: the machine that the server runs on: its services, its power, the right to act as root.
import { services as chapter } from '../../api/services.ts'
import { systemInfo } from '../../api/system-info.ts'
import { type Core, component } from '../../component/component.ts'
import { ConfigError, path, type ReadSection, template, word } from '../../config/index.ts'
import { messageOf } from '../../core/errors.ts'
import type { Scope } from '../../core/scope.ts'
import { bool } from '../../schema/index.ts'
import { servePeripherals } from './peripherals/index.ts'
import { machineServices, type SystemBusAccess, sudoService, systemBusService } from './service.ts'
import { AllowedServices } from './services/allowed-services.ts'
import { hostBus } from './services/host-bus.ts'
import { PROVIDERS, SHUTDOWN_ACTIONS } from './services/provider.ts'
import { missingRights } from './services/rights.ts'
import { Services } from './services/services.ts'
import { Sudo } from './services/sudo.ts'
import { hostMachine } from './system/hardware.ts'
import { MachineReader } from './system/index.ts'

const options = {
  provider: word(...PROVIDERS)
    .describe('How services and power of the machine are managed')
    .default('systemd_dbus'),
  shutdown_action: word(...SHUTDOWN_ACTIONS)
    .describe('What machine.shutdown does')
    .default('poweroff'),
  sudo_password: template()
    .describe("The password of the server's user for sudo; better as {secrets.machine.password}")
    .optional(),
  validate_service: bool()
    .describe('Warn at the start about rights that polkit does not grant')
    .default(true),
  validate_config: bool().describe('No effect: there is no old installation to validate').default(true),
  force_validation: bool().describe('No effect, as validate_config').default(false),
  supervisord_config_path: path()
    .describe("supervisord's configuration, for the provider supervisord_cli")
    .optional(),
}

type Section = ReadSection<typeof options>

function serve(core: Core, scope: Scope, services: Services, sudo: Sudo): void {
  const act = (action: 'restart' | 'stop' | 'start') => async (params: { readonly service: string }) => {
    await services.request(action, params.service)
    return 'ok' as const
  }
  const power = (action: 'shutdown' | 'reboot') => async () => {
    await services.power(action)
    return 'ok' as const
  }
  scope.use(
    core.registry.serve(chapter, {
      'machine.services.restart': act('restart'),
      'machine.services.stop': act('stop'),
      'machine.services.start': act('start'),
      'machine.shutdown': power('shutdown'),
      'machine.reboot': power('reboot'),
      'machine.sudo.info': async ({ check_access }) => ({
        sudo_access: check_access ? await sudo.checkAccess() : null,
        linux_user: sudo.user,
        sudo_requested: sudo.waiting.length > 0,
        request_messages: sudo.waiting,
      }),
      'machine.sudo.password': async ({ password }) => {
        const { messages, restart } = await sudo.setPassword(password)
        if (!restart) return { sudo_responses: [...messages], is_restarting: false }
        services.restartOwn()
        const last = 'Moonraker is currently in the process of restarting.'
        return { sudo_responses: [...messages, last], is_restarting: true }
      },
    }),
  )
}

function serveSystemInfo({ registry }: Core, scope: Scope, services: Services, reader: MachineReader): void {
  scope.use(
    registry.serve(systemInfo, {
      'machine.system_info': async () => {
        const [facts, ofServices] = await Promise.all([reader.read(), services.info()])
        return { system_info: { ...facts, ...ofServices } }
      },
    }),
  )
}

/** Klipper's macros may power the machine off, as those of the original. */
function serveKlipper({ events, printer }: Core, scope: Scope, services: Services): void {
  const { session } = printer
  session.addRemoteMethod('shutdown_machine', () => services.power('shutdown'))
  session.addRemoteMethod('reboot_machine', () => services.power('reboot'))
  scope.defer(() => session.removeRemoteMethod('shutdown_machine'))
  scope.defer(() => session.removeRemoteMethod('reboot_machine'))
  scope.use(events.on('klippy:identified', () => services.followKlipper()))
}

/**
 * Gives sudo the password of the configuration. One that cannot be used is a warning: the rest works without it. Only a
 * text that names the secrets is a template: a password may contain braces, and no error repeats what is between them.
 */
async function readPassword(core: Core, section: Section, sudo: Sudo): Promise<void> {
  const { sudo_password } = section.options
  if (sudo_password === undefined) return
  try {
    const isTemplate = /\{[^{}]*\bsecrets\b/.test(sudo_password)
    sudo.usePassword(isTemplate ? await renderPassword(core, section, sudo_password) : sudo_password)
  } catch (cause) {
    const isPlaced = cause instanceof ConfigError
    const problem = isPlaced
      ? cause
      : section.error(`[machine] sudo_password: ${messageOf(cause)}`, 'sudo_password')
    core.warnings.add(problem.message)
  }
}

async function renderPassword(core: Core, section: Section, source: string): Promise<string> {
  const { SectionTemplate } = await import('../../component/section-template.ts')
  return new SectionTemplate(core, section, 'sudo_password', source).renderOnce()
}

export default component({
  section: 'machine',
  presence: 'always',
  options,
  // Front-ends wait for machine.system_info before they show anything.
  onInvalid: 'use default',
  provides: { services: machineServices, sudo: sudoService, bus: systemBusService },
  create({ core, section, scope }) {
    const { provider, shutdown_action, validate_service, supervisord_config_path } = section.options
    const alert = () => {
      const { waiting } = sudo
      const alert = { sudo_requested: waiting.length > 0, sudo_messages: waiting, request_messages: waiting }
      core.connections.notify('notify_sudo_alert', alert)
    }
    const ending = new AbortController()
    const { signal } = ending
    const sudo = new Sudo({ isRoot: process.geteuid?.() === 0, clock: core.clock, signal, onChange: alert })
    const { hardware, calls } = core.host.use(hostMachine, scope)
    const reader = new MachineReader(hardware, () => core.printer.session.info?.python_path)
    const systemBus = core.host.use(hostBus, scope)
    const bus: SystemBusAccess = {
      connect: (...args) => systemBus.connect(...args),
      missingRights,
    }
    const parts = {
      core,
      bus: systemBus,
      allowed: new AllowedServices(core.paths.allowedServices, core.log),
      sudo,
      shutdownAction: shutdown_action,
      supervisordConfig: supervisord_config_path ?? null,
      checkRights: validate_service,
      signal,
    }
    const services = new Services(core.managesMachine ? provider : 'none', parts, () =>
      hardware.virtualization(),
    )
    serve(core, scope, services, sudo)
    serveSystemInfo(core, scope, services, reader)
    servePeripherals(core, scope, { root: '', calls, signal })
    serveKlipper(core, scope, services)
    return {
      services,
      sudo,
      bus,
      async start() {
        await readPassword(core, section, sudo)
        services.start()
      },
      stop() {
        ending.abort(new Error('the server stops'))
        return services.stop()
      },
    }
  },
})
