// A server with section [fleet], an engine and a hub, for tests of the printer's side.
import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createUser } from '@nats-io/nkeys'
import type { DataPaths } from '../../src/core/paths.ts'
import { type Rig, type RigOptions, startRig } from '../support/rig.ts'
import { Engine } from './engine.ts'
import { seedOf } from './seed.ts'
import { EPOCH, TestHub } from './test-hub.ts'

/** A printer that prints this in a few seconds of its own time. */
export const SHORT_PRINT = 'G28\nG1 X10 Y10 Z5 F6000\nG4 P200\n'
/** A printer that prints this for a long time. */
export const LONG_PRINT = `G28\nG1 X10 Y10 Z5 F6000\n${'G1 X100 F600\nG1 X10 F600\n'.repeat(2000)}`

export interface FleetRig extends AsyncDisposable {
  readonly engine: Engine
  readonly hub: TestHub
  readonly rig: Rig
}

/** What a printer has after it joined, in its data folder. */
export async function credentialFiles(
  engine: Engine,
  id: string,
  ca: string | null = null,
): Promise<(paths: DataPaths) => void> {
  const key = createUser()
  const jwt = await engine.credential(id, key.getPublicKey())
  return paths => {
    const folder = join(paths.data, 'fleet')
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'seed'), seedOf(key), { mode: 0o600 })
    writeFileSync(join(folder, 'credential.json'), JSON.stringify({ jwt, ca, epoch: EPOCH }))
    writeFileSync(join(paths.data, '.moonraker.uuid'), id)
  }
}

/** `fleet` are further lines of section [fleet]. */
export async function startFleet({
  fleet = '',
  conf = '',
  ...options
}: RigOptions & { fleet?: string } = {}): Promise<FleetRig> {
  const id = randomBytes(16).toString('hex')
  const engine = await Engine.start()
  const hub = await TestHub.start(engine, id)
  const prepareJoined = await credentialFiles(engine, id)
  const rig = await startRig({
    ...options,
    conf: `[fleet]\nengine: ${engine.url}\n${fleet}\n${conf}`,
    prepare: paths => {
      options.prepare?.(paths)
      prepareJoined(paths)
    },
  })
  return {
    engine,
    hub,
    rig,
    async [Symbol.asyncDispose]() {
      await rig[Symbol.asyncDispose]()
      await hub[Symbol.asyncDispose]()
      await engine[Symbol.asyncDispose]()
    },
  }
}
