// Processor, board and memory.
import type { SystemInfo } from '../../../api/system-info.ts'
import type { SystemFiles } from '../../../core/system-files.ts'
import type { Infer } from '../../../schema/index.ts'
import type { Computer } from './computer.ts'

type CpuInfo = Infer<typeof SystemInfo>['cpu_info']

const ARCHITECTURES_OF_32_BITS = new Set(['arm', 'ia32', 'mips', 'mipsel', 'ppc'])

/** Cores of boards by their numbers under `CPU part` (Arm's MIDR registers). Kernels of 64 bits give no other name. */
const ARM_CORES: Readonly<Record<string, string>> = {
  '0xb76': 'ARM1176',
  '0xc05': 'Cortex-A5',
  '0xc07': 'Cortex-A7',
  '0xc08': 'Cortex-A8',
  '0xc09': 'Cortex-A9',
  '0xc0d': 'Cortex-A12',
  '0xc0e': 'Cortex-A17',
  '0xc0f': 'Cortex-A15',
  '0xd03': 'Cortex-A53',
  '0xd04': 'Cortex-A35',
  '0xd05': 'Cortex-A55',
  '0xd07': 'Cortex-A57',
  '0xd08': 'Cortex-A72',
  '0xd09': 'Cortex-A73',
  '0xd0a': 'Cortex-A75',
  '0xd0b': 'Cortex-A76',
  '0xd0c': 'Neoverse-N1',
}

const ARM = '0x41'
const DEVICE_TREE = '/sys/firmware/devicetree/base'
/** The same, where /sys is not mounted. */
const DEVICE_TREE_IN_PROC = '/proc/device-tree'

/** What makers of mainboards leave in the place of a name. */
const NO_NAME = /^(to be filled|default string|system product name|not specified|none$|undefined$|o\.e\.m)/i

/** Reads /proc/cpuinfo, /proc/meminfo, the device tree and, on PCs, the tables of the firmware. */
export async function readCpuInfo(files: SystemFiles, computer: Computer): Promise<CpuInfo> {
  const text = (await files.text('/proc/cpuinfo')) ?? ''
  const memory = /^MemTotal: *(\d{1,15}) *(\w+)/m.exec((await files.text('/proc/meminfo')) ?? '')
  return {
    cpu_count: text.match(/^processor\s*: *\d+/gm)?.length ?? computer.cores,
    bits: ARCHITECTURES_OF_32_BITS.has(computer.arch) ? '32bit' : '64bit',
    processor: computer.machine,
    cpu_desc: field(text, 'model name|cpu model|uarch') ?? armCores(text),
    serial_number: ((await serialNumber(files, text)) ?? '').replace(/^0+(?=.)/, ''),
    hardware_desc: field(text, 'Hardware') ?? (await chip(files)),
    model: field(text, 'Model') ?? (await model(files)),
    total_memory: memory === null ? null : Number(memory[1]),
    memory_units: memory?.[2] ?? '',
  }
}

function field(text: string, name: string): string | null {
  return new RegExp(`^(?:${name})\\s*: *(.+)$`, 'm').exec(text)?.[1]?.trim() ?? null
}

/** The kinds of cores, each once: boards may have fast and slow ones. */
function armCores(text: string): string {
  if (field(text, 'CPU implementer') !== ARM) return ''
  const parts = [...text.matchAll(/^CPU part\s*: *(\S+)/gm)].map(([, part = '']) => ARM_CORES[part])
  return [...new Set(parts)].filter(name => name !== undefined).join(', ')
}

async function serialNumber(files: SystemFiles, text: string): Promise<string | null> {
  return field(text, 'Serial') ?? (await readDeviceTree(files, 'serial-number'))
}

/** The most general name in the device tree is the chip's: `brcm,bcm2712`. */
async function chip(files: SystemFiles): Promise<string> {
  const names = (await readDeviceTree(files, 'compatible'))?.split('\0') ?? []
  return names.at(-1)?.split(',').at(-1)?.toUpperCase() ?? ''
}

async function model(files: SystemFiles): Promise<string> {
  const board = await readDeviceTree(files, 'model')
  if (board !== null) return board
  const product = (await files.text('/sys/class/dmi/id/product_name')) ?? ''
  return NO_NAME.test(product) ? '' : product
}

function readDeviceTree(files: SystemFiles, name: string): Promise<string | null> {
  return files.firstText(`${DEVICE_TREE}/${name}`, `${DEVICE_TREE_IN_PROC}/${name}`)
}
