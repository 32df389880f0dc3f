// One run of the virtual Klippy, from a start to the next restart: configuration, machine, endpoints.

import { inspect } from 'node:util'
import { Endpoints } from './api/endpoints.ts'
import { StatusFeed } from './api/status-feed.ts'
import { RemoteMethods, webhookEndpoints } from './api/webhooks.ts'
import { buildMachine } from './build/build-machine.ts'
import type { CoreParts } from './build/core-parts.ts'
import type { SimClock } from './clock.ts'
import { Config } from './config/config.ts'
import { ConfigError, messageOf } from './errors.ts'
import { baseCommands } from './gcode/base-commands.ts'
import { Gcode } from './gcode/gcode.ts'
import { type Host, Waits } from './host.ts'
import { Lifecycle } from './lifecycle.ts'
import { Objects } from './objects.ts'

/** What a run needs from outside. */
export interface RunOptions {
  readonly clock: SimClock
  readonly configFile: string
  readonly gcodesPath: string | undefined
  readonly logFile: string | undefined
  /** Seconds. */
  readonly statusInterval: number
  readonly log: (line: string) => void
  readonly restart: (kind: 'restart' | 'firmware_restart') => void
}

/** A run of Klippy. */
export interface KlippyRun {
  readonly host: Host
  readonly feed: StatusFeed
  readonly remote: RemoteMethods
  /** The machine, unless the configuration is unusable. */
  readonly machine: CoreParts | undefined
}

/** Reads the configuration and builds the machine; errors of the configuration become the state `error`. */
export function startRun(options: RunOptions): KlippyRun {
  const { clock, log } = options
  const lifecycle = new Lifecycle()
  const { config, problem } = readConfig(options.configFile)
  const gcode = new Gcode(lifecycle)
  const objects = new Objects()
  const endpoints = new Endpoints()
  const remote = new RemoteMethods()
  const waits = new Waits(clock, lifecycle)
  const host: Host = {
    lifecycle,
    clock,
    config,
    gcode,
    objects,
    endpoints,
    waitUntil: time => waits.until(time),
    restart: options.restart,
    callRemote: (method, params) => remote.call(method, params),
    log,
  }
  objects.add('gcode', gcode)
  objects.add('webhooks', lifecycle)
  objects.add('configfile', config)
  webhookEndpoints(host, remote, options.logFile)
  const feed = new StatusFeed(host, options.statusInterval)
  let machine: CoreParts | undefined
  baseCommands(host, async () => {
    await machine?.toolhead.dwell(0.5)
    await machine?.toolhead.settle()
  })
  lifecycle.onReady(() => gcode.respondInfo('Klipper state: Ready'))
  lifecycle.onShutdown(() => gcode.respondInfo('Klipper state: Shutdown'))
  try {
    if (problem !== undefined) throw problem
    machine = buildMachine(host, options.gcodesPath)
  } catch (error) {
    const known = error instanceof ConfigError
    log(known ? `Config error: ${error.message}` : `Internal error during connect: ${inspect(error)}`)
    lifecycle.fail(known ? error.message : `Internal error during connect: ${messageOf(error)}`)
  }
  return { host, feed, remote, machine }
}

function readConfig(file: string): { config: Config; problem?: ConfigError } {
  try {
    return { config: Config.read(file) }
  } catch (error) {
    if (error instanceof ConfigError) return { config: Config.unreadable(file), problem: error }
    throw error
  }
}
