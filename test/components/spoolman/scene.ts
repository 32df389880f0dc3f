// A server with [spoolman], a Klippy and a Spoolman that the test controls, and a client.
import { FakeKlippy } from '../../support/fake-klippy.ts'
import { quickClock } from '../../support/quick-clock.ts'
import { type Rig, startRig } from '../../support/rig.ts'
import { type Frame, WebClient } from '../../support/web-client.ts'
import { FakeSpoolman } from './fake-spoolman.ts'

/** What the server follows of a printer. */
export const STATUS = {
  toolhead: { position: [0, 0, 0, 0], extruder: 'extruder', homed_axes: '' },
  print_stats: { state: 'standby', filename: '', total_duration: 0, print_duration: 0, filament_used: 0 },
}

export class Scene implements AsyncDisposable {
  readonly klippy: FakeKlippy
  readonly spoolman: FakeSpoolman
  readonly client: WebClient
  readonly rig: Rig

  private constructor(klippy: FakeKlippy, spoolman: FakeSpoolman, rig: Rig, client: WebClient) {
    this.klippy = klippy
    this.spoolman = spoolman
    this.rig = rig
    this.client = client
  }

  static async start({ isListening = true } = {}): Promise<Scene> {
    const [klippy, spoolman] = await Promise.all([FakeKlippy.start(), FakeSpoolman.start()])
    for (const [name, fields] of Object.entries(STATUS)) klippy.change(name, fields)
    if (!isListening) await spoolman.close()
    const rig = await startRig({
      klippySocket: klippy.path,
      ready: true,
      clock: quickClock(20),
      conf: `[spoolman]\nserver: ${spoolman.url}/\nsync_rate: 1`,
    })
    const client = await WebClient.open(rig.url)
    const scene = new Scene(klippy, spoolman, rig, client)
    // The server subscribes before its reply to a client that subscribes later.
    await client.call('printer.objects.subscribe', { objects: { toolhead: null } })
    if (isListening) await scene.connected(true)
    return scene
  }

  call(method: string, params?: unknown): Promise<Frame> {
    return this.client.call(`server.spoolman.${method}`, params)
  }

  async status(): Promise<Frame> {
    return (await this.call('status')).result
  }

  /** Resolves when the connection to Spoolman is as given. */
  async connected(isConnected: boolean): Promise<void> {
    const from = this.client.frames.length
    if ((await this.status()).spoolman_connected === isConnected) return
    await this.client.find(
      ({ method, params }, index) =>
        index >= from &&
        method === 'notify_spoolman_status_changed' &&
        params[0].spoolman_connected === isConnected,
    )
  }

  async set(spool_id: number | null, tool?: number): Promise<void> {
    await this.call('post_spool_id', { spool_id, ...(tool !== undefined && { tool }) })
  }

  /** Moves the extruder to `position`; resolves when the server has the status. */
  async move(position: number, extruder = 'extruder'): Promise<void> {
    const from = this.client.frames.length
    this.klippy.push('toolhead', { position: [0, 0, 0, position], extruder })
    await this.client.find((frame, index) => index >= from && frame.method === 'notify_status_update')
  }

  /** Resolves when Spoolman has a use of at least `length` mm of the spool. */
  async reported(spool: number, length: number): Promise<void> {
    await this.spoolman.until(() => this.spoolman.used(spool) >= length)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client[Symbol.dispose]()
    await this.rig[Symbol.asyncDispose]()
    await this.klippy[Symbol.asyncDispose]()
    await this.spoolman[Symbol.asyncDispose]()
  }
}
