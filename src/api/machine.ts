// API document: "Machine Requests".
import { float, int, list, object, record, string } from '../schema/index.ts'
import { chapter, notification } from './chapter.ts'
import { get } from './endpoint.ts'

const ProcessSample = object({
  time: float().describe('Seconds since the epoch'),
  cpu_usage: float().describe('% of one core'),
  memory: int().nullable().describe('Resident, in mem_units'),
  mem_units: string().nullable(),
})

const NetworkInterface = object({
  rx_bytes: int(),
  tx_bytes: int(),
  rx_packets: int(),
  tx_packets: int(),
  rx_errs: int(),
  tx_errs: int(),
  rx_drop: int(),
  tx_drop: int(),
  bandwidth: float().describe('Bytes per second, both directions'),
})

const load = {
  cpu_temp: float().nullable().describe('°C; null without a sensor'),
  network: record(NetworkInterface),
  system_cpu_usage: record(float()).describe('% by core; cpu is all cores together'),
  system_memory: record(int()).describe('total, available and used, kB'),
  websocket_connections: int(),
}

/** Why the firmware of a Raspberry Pi throttles the processor; the parameter of notify_cpu_throttled. */
export const ThrottledState = object({
  bits: int().describe("As the firmware's get_throttled returns them"),
  flags: list(string()).describe('What the bits mean, in words'),
})

/** The parameter of notify_proc_stat_update. */
export const ProcStatUpdate = object({ moonraker_stats: ProcessSample, ...load })

export const machine = chapter({
  title: 'Machine: Load',
  about: 'Processor, memory and network, as measured',
  methods: {
    'machine.proc_stats': get('/machine/proc_stats', {
      summary: 'The load of machine and server',
      result: object({
        moonraker_stats: list(ProcessSample).describe('The last 30 seconds'),
        throttled_state: ThrottledState.nullable(),
        ...load,
        system_uptime: float().describe('Seconds'),
      }),
    }),
  },
  notifications: {
    notify_cpu_throttled: notification(
      'The firmware started or stopped throttling the processor',
      ThrottledState,
    ),
    notify_proc_stat_update: notification('The load of machine and server, once per second', ProcStatUpdate),
  },
})
