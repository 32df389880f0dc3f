// Objects about the electronics: micro-controllers, the host's load, end stop queries.

import { freemem, loadavg } from 'node:os'
import { SOFTWARE_VERSION } from '../api/webhooks.ts'
import type { Host } from '../host.ts'
import type { Toolhead } from '../motion/toolhead.ts'
import type { StatusSource } from '../objects.ts'

const FREQUENCY = 50_000_000

/** The `mcu` object: a board whose link counters grow every second. */
export function mcuObject(host: Host, section = 'mcu'): StatusSource {
  const config = host.config.section(section)
  config.text('serial', '')
  config.integer('baud', 250_000, { min: 2400 })
  config.text('restart_method', 'command')
  const started = host.clock.now
  const constants = {
    ADC_MAX: 4095,
    CLOCK_FREQ: FREQUENCY,
    MCU: 'linux',
    PCA9685_MAX: 4096,
    PWM_MAX: 32768,
    STATS_SUMSQ_BASE: 256,
    STEPPER_STEP_BOTH_EDGE: 1,
  }
  let second = -1
  let stats: Record<string, number> = {}
  return {
    status() {
      const now = Math.floor(host.clock.now - started)
      if (now !== second) {
        second = now
        stats = linkStats(now)
      }
      return {
        mcu_version: SOFTWARE_VERSION,
        mcu_build_versions: 'gcc: (Debian 12.2.0-14) 12.2.0 binutils: (GNU Binutils for Debian) 2.40',
        mcu_constants: constants,
        last_stats: stats,
      }
    },
  }
}

function linkStats(second: number): Record<string, number> {
  return {
    mcu_awake: 0.003,
    mcu_task_avg: 0.00002,
    mcu_task_stddev: 0.000018,
    bytes_write: 1487 + second * 6,
    bytes_read: 5843 + second * 240,
    bytes_retransmit: 9,
    bytes_invalid: 0,
    send_seq: 140 + second,
    receive_seq: 140 + second,
    retransmit_seq: 2,
    srtt: 0.001,
    rttvar: 0,
    rto: 0.025,
    ready_bytes: 0,
    upcoming_bytes: 0,
    freq: FREQUENCY + Math.round(Math.sin(second) * 15),
  }
}

/** The `system_stats` object: this computer's load, the process' time, free memory in KiB. */
export function systemStats(host: Host): StatusSource {
  let second = -1
  let stats: Record<string, number> = {}
  return {
    status() {
      const now = Math.floor(host.clock.now)
      if (now !== second) {
        second = now
        stats = {
          sysload: loadavg()[0]!,
          cputime: process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6,
          memavail: Math.round(freemem() / 1024),
        }
      }
      return stats
    },
  }
}

/** The `query_endstops` object, its endpoint, QUERY_ENDSTOPS and M119. */
export function queryEndstops(host: Host, toolhead: Toolhead): StatusSource {
  const { gcode, endpoints } = host
  let last: Record<string, number> = {}
  const query = (): Record<string, 'open' | 'TRIGGERED'> => {
    const position = toolhead.position
    const { rails } = toolhead.kinematics
    const states = rails.map((rail, axis): [string, 'open' | 'TRIGGERED'] => {
      const homed = toolhead.homed.includes('xyz'[axis]!)
      const touching = homed && !rail.byProbe && Math.abs(position[axis]! - rail.endstop) < 1e-6
      return [rail.name, touching ? 'TRIGGERED' : 'open']
    })
    last = Object.fromEntries(states.map(([name, state]) => [name, state === 'open' ? 0 : 1]))
    return Object.fromEntries(states)
  }
  endpoints.add('query_endstops/status', async () => {
    // The round trip of the query to the micro-controller.
    await host.waitUntil(host.clock.now + 0.25)
    return query()
  })
  const report = async () => {
    await toolhead.settle()
    const states = Object.entries(query()).map(([name, state]) => `${name}:${state}`)
    gcode.respondRaw(states.join(' '))
  }
  gcode.register('QUERY_ENDSTOPS', report, 'Report on the status of each endstop')
  gcode.register('M119', report)
  return { status: () => ({ last_query: last }) }
}
