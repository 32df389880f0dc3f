// How containers of the image run.
import { dirname } from 'node:path'

/** The user and group of the server. On Debian they are those of the first user: its Klippy lets the server connect. */
export const USER = 1000
export const NODE = '/usr/bin/node'
export const PROGRAM = '/opt/moonraker-ts'
export const DATA = '/data'
const PORT = 7125
/** Docker's unit of time. */
const SECOND = 1e9

const CHECK =
  `require('http').get('http://127.0.0.1:${PORT}/healthz', reply => process.exit(reply.statusCode === 200 ? 0 : 1))` +
  `.on('error', () => process.exit(1))`

/** What an image has of package.json. */
export interface Manifest {
  readonly name: string
  readonly version: string
  readonly description: string
  readonly license: string
}

/** The configuration of the image, in the form of the Open Container Initiative; the check is an addition of Docker. */
export function containerConfig({ name, version, description, license }: Manifest) {
  const labels = { title: name, description, version, licenses: license }
  return {
    User: `${USER}:${USER}`,
    WorkingDir: DATA,
    StopSignal: 'SIGTERM',
    Env: [
      `PATH=${dirname(NODE)}`,
      `HOME=${DATA}`,
      `MOONRAKER_DATA_PATH=${DATA}`,
      // The folder of the program belongs to root.
      'NODE_COMPILE_CACHE=/tmp/node-compile-cache',
    ],
    Entrypoint: [NODE, `${PROGRAM}/dist/moonraker.cjs`],
    ExposedPorts: { [`${PORT}/tcp`]: {} },
    Volumes: { [DATA]: {} },
    Healthcheck: {
      Test: ['CMD', NODE, '-e', CHECK],
      Interval: 60 * SECOND,
      Timeout: 5 * SECOND,
      StartPeriod: 20 * SECOND,
      Retries: 3,
    },
    Labels: Object.fromEntries(
      Object.entries(labels).map(([key, value]) => [`org.opencontainers.image.${key}`, value]),
    ),
  }
}
