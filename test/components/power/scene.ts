// A server with power devices, and a client that switches them.
import { quickClock } from '../../support/quick-clock.ts'
import { type Rig, type RigOptions, startRig } from '../../support/rig.ts'
import { type Frame, WebClient } from '../../support/web-client.ts'

/** A started server with a connected client. */
export interface Scene extends AsyncDisposable {
  readonly rig: Rig
  readonly client: WebClient
  /** Switches a device, or reads it; resolves with the reply. */
  readonly act: (device: string, action: string) => Promise<Frame>
  /** The last known state of each device. */
  readonly states: () => Promise<Record<string, string>>
  /** Resolves when a device is notified in this state, in the past or in the future. */
  readonly notified: (device: string, status: string, from?: number) => Promise<Frame>
  readonly warnings: () => Promise<string[]>
}

/** For tests that wait until a request ends that gets no reply. Under load a device has little time to reply then. */
export const HURRY: RigOptions = { clock: quickClock(10) }

/** Starts a server without a printer, on which time passes faster, unless `options` differ. */
export async function startScene(conf: string, options: RigOptions = {}): Promise<Scene> {
  const rig = await startRig({ printer: 'none', clock: quickClock(4), ...options, conf })
  const client = await WebClient.open(rig.url)
  const states = async () => {
    const { result } = await client.call('machine.device_power.devices')
    return Object.fromEntries(
      result.devices.map(({ device, status }: Record<string, string>) => [device, status]),
    )
  }
  return {
    rig,
    client,
    states,
    act: (device, action) => client.call('machine.device_power.post_device', { device, action }),
    notified: (device, status, from = 0) =>
      client.find((frame, index) => {
        const [record] = frame.method === 'notify_power_changed' ? frame.params : []
        return index >= from && record?.device === device && record.status === status
      }),
    warnings: async () => (await client.call('server.info')).result.warnings,
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]()
      await rig[Symbol.asyncDispose]()
    },
  }
}

/** Resolves when every device has replied for the first time. */
export function initialised(scene: Pick<Scene, 'client' | 'states'>): Promise<void> {
  return untilStates(scene, states => !Object.values(states).includes('init'))
}

/** Resolves when the states of the devices are right, now or after a notification. */
export async function untilStates(
  { client, states }: Pick<Scene, 'client' | 'states'>,
  areRight: (states: Readonly<Record<string, string>>) => boolean,
): Promise<void> {
  for (let seen = 1; !areRight(await states()); seen += 1) await client.notified('notify_power_changed', seen)
}
