// A server with a configured webcam, and a client of it.
import { type RigOptions, startRig } from '../../support/rig.ts'
import { type Frame, WebClient } from '../../support/web-client.ts'

/** A webcam of the configuration. */
export const FRONT = '[webcam front]\nstream_url: /webcam/?action=stream\n'

/** The defaults of a webcam. */
export const DEFAULTS = {
  enabled: true,
  icon: 'mdiWebcam',
  aspect_ratio: '4:3',
  target_fps: 15,
  target_fps_idle: 5,
  location: 'printer',
  service: 'mjpegstreamer',
  snapshot_url: '',
  flip_horizontal: false,
  flip_vertical: false,
  rotation: 0,
  extra_data: {},
}

/** Starts the server, with FRONT where no other configuration is given. */
export async function scene(options: RigOptions = {}) {
  const rig = await startRig({ printer: 'none', conf: FRONT, ...options })
  const client = await WebClient.open(rig.url)
  const call = (method: string, params?: unknown): Promise<Frame> =>
    client.call(`server.webcams.${method}`, params)
  const list = async () => (await call('list')).result.webcams as Frame[]
  /** What a front-end writes into the namespace by itself. */
  const store = (key: string, value: unknown) =>
    client.call('server.database.post_item', { namespace: 'webcams', key: [key], value })
  const stored = async (key: string) =>
    (await client.call('server.database.get_item', { namespace: 'webcams', key: [key] })).result.value
  const dispose = async () => {
    client[Symbol.dispose]()
    await rig[Symbol.asyncDispose]()
  }
  return { rig, client, call, list, store, stored, [Symbol.asyncDispose]: dispose }
}
