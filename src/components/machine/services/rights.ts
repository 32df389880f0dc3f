// What polkit must allow this server's user, so that systemd and logind do what the server requests.
import type { PowerAction, ShutdownAction } from './provider.ts'
import type { BusObject, SystemBus } from './system-bus.ts'

/** polkit's action for starting, stopping and restarting services. */
export const MANAGE_UNITS = 'org.freedesktop.systemd1.manage-units'

/** polkit's actions for powering the machine off and restarting it. */
export function powerRight(action: PowerAction, shutdownAction: ShutdownAction): string {
  if (action === 'reboot') return 'org.freedesktop.login1.reboot'
  return shutdownAction === 'halt' ? 'org.freedesktop.login1.halt' : 'org.freedesktop.login1.power-off'
}

/** Also needed while other users are logged in, for example over ssh. */
export function whileOthersAreLoggedIn(right: string): string {
  return `${right}-multiple-sessions`
}

/** All that this server can request. packaging/polkit grants the same. */
export function allRights(shutdownActions: readonly ShutdownAction[]): string[] {
  const power = [
    powerRight('reboot', 'poweroff'),
    ...shutdownActions.map(action => powerRight('shutdown', action)),
  ]
  return [MANAGE_UNITS, ...power.flatMap(right => [right, whileOthersAreLoggedIn(right)])]
}

const POLKIT: BusObject = {
  destination: 'org.freedesktop.PolicyKit1',
  path: '/org/freedesktop/PolicyKit1/Authority',
  interface: 'org.freedesktop.PolicyKit1.Authority',
}

/** Those of `rights` that polkit does not grant to us. Rejects where polkit does not answer. */
export async function missingRights(bus: SystemBus, rights: readonly string[]): Promise<string[]> {
  const { default: dbus } = await import('dbus-native')
  const subject = ['system-bus-name', { name: new dbus.Variant('s', bus.name) }]
  const answers = await Promise.all(
    rights.map(right =>
      bus.call(POLKIT, 'CheckAuthorization', '(sa{sv})sa{ss}us', [subject, right, {}, 0, '']),
    ),
  )
  return rights.filter((_, index) => {
    const [isAuthorized] = answers[index] as readonly [boolean]
    return !isAuthorized
  })
}
