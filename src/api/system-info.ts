// API document: "Get System Info".
import { anyOf, bool, choice, int, list, object, record, string } from '../schema/index.ts'
import { chapter } from './chapter.ts'
import { get } from './endpoint.ts'

const CpuInfo = object({
  cpu_count: int().describe('Cores'),
  bits: string().describe('32bit or 64bit, of programs; on a Raspberry Pi the kernel may differ'),
  processor: string().describe('As in `uname -m`'),
  cpu_desc: string(),
  serial_number: string().describe("The board's"),
  hardware_desc: string().describe('The chip of a board'),
  model: string().describe('Board or computer'),
  total_memory: int().nullable().describe('In memory_units'),
  memory_units: string(),
})

const SdInfo = object({
  manufacturer_id: string().describe('Two hexadecimal digits').optional(),
  manufacturer: string().describe('Unknown for an unknown id').optional(),
  oem_id: string().describe('Hexadecimal').optional(),
  product_name: string().optional(),
  product_revision: string().optional(),
  serial_number: string().describe('Hexadecimal').optional(),
  manufacturer_date: string().describe('Month/year').optional(),
  capacity: string().describe('With its unit, such as 29.7 GiB').optional(),
  total_bytes: int().optional(),
})

const Distribution = object({
  name: string(),
  id: string(),
  version: string(),
  version_parts: object({ major: string(), minor: string(), build_number: string() }),
  like: string().describe('Ids of the distributions it is based on, separated by spaces'),
  codename: string(),
  release_info: record(string()).describe(
    'Of an image built on the distribution: name, version_id, codename, id',
  ),
  kernel_version: string(),
})

const Network = record(
  object({
    mac_address: string(),
    ip_addresses: list(object({ family: choice('ipv4', 'ipv6'), address: string(), is_link_local: bool() })),
  }),
)

const Canbus = record(
  object({
    tx_queue_len: int().nullable().describe('Frames'),
    bitrate: int().nullable().describe('Bits per second; null if unknown'),
    driver: string().nullable(),
  }),
)

/** The machine; parts that are unknown are empty. */
export const SystemInfo = object({
  python: object({
    version: list(anyOf(int(), string())).describe(
      'Major, minor, micro, release level, serial; as far as known',
    ),
    version_string: string(),
  }).describe("Klipper's Python"),
  cpu_info: CpuInfo,
  sd_info: SdInfo.describe('Empty without a card'),
  distribution: Distribution,
  virtualization: object({
    virt_type: string().describe('none, vm or container'),
    virt_identifier: string().describe('The kind, as systemd-detect-virt names it'),
  }),
  network: Network.describe('Interfaces that are up and have addresses'),
  canbus: Canbus.describe('CAN interfaces that are up'),
  provider: string().describe('How the server manages services: [machine] provider'),
  available_services: list(string()),
  service_state: record(object({ active_state: string(), sub_state: string() })),
  instance_ids: object({ moonraker: string(), klipper: string() }).describe('Names of the services'),
})

export const systemInfo = chapter({
  title: 'Machine: System',
  about: 'Hardware, operating system, network and services',
  methods: {
    'machine.system_info': get('/machine/system_info', {
      summary: 'The machine: hardware, system, network, services',
      result: object({ system_info: SystemInfo }),
    }),
  },
})
