// The SD card of a board. The kernel has read the card's registers already and provides each field in a file.
import type { SystemInfo } from '../../../api/system-info.ts'
import type { SystemFiles } from '../../../core/system-files.ts'
import type { Infer } from '../../../schema/index.ts'

type SdInfo = Infer<typeof SystemInfo>['sd_info']

/** By the number that each maker was given for cards, two hexadecimal digits; spelled as clients have known them. */
const CARD_MAKERS: Readonly<Record<string, string>> = {
  '01': 'Panasonic',
  '02': 'Toshiba',
  '03': 'Sandisk',
  '1b': 'Samsung',
  '1d': 'AData',
  '27': 'Phison',
  '28': 'Lexar',
  '41': 'Kingston',
  '74': 'PNY',
  '76': 'Patriot',
  '82': 'Sony',
}

/** Soldered chips have numbers of their own. */
const CHIP_MAKERS: Readonly<Record<string, string>> = {
  '11': 'Toshiba',
  '13': 'Micron',
  '15': 'Samsung',
  '45': 'Sandisk',
  '70': 'Kingston',
  '88': 'Foresee',
  '90': 'Hynix',
  fe: 'Micron',
}

const SECTOR_BYTES = 512
const MIB = 1024 ** 2
const GIB = 1024 ** 3
const TIB = 1024 ** 4

/** The first SD card; a soldered eMMC where there is no card; empty where there is neither. */
export async function readSdInfo(files: SystemFiles): Promise<SdInfo> {
  const devices = (await files.names('/sys/block')).filter(name => /^mmcblk\d+$/.test(name))
  const types = await Promise.all(devices.map(name => files.text(`/sys/block/${name}/device/type`)))
  const place = types.includes('SD') ? types.indexOf('SD') : types.indexOf('MMC')
  const device = devices[place]
  return device === undefined ? {} : readDevice(files, `/sys/block/${device}`, types[place] === 'SD')
}

async function readDevice(files: SystemFiles, folder: string, isCard: boolean): Promise<SdInfo> {
  const attribute = async (name: string) => (await files.text(`${folder}/device/${name}`)) ?? ''
  const digits = async (name: string) => (await attribute(name)).replace(/^0x/, '').toLowerCase()
  const manufacturer_id = (await digits('manfid')).slice(-2)
  const makers = isCard ? CARD_MAKERS : CHIP_MAKERS
  const bytes = ((await files.number(`${folder}/size`)) ?? 0) * SECTOR_BYTES
  return {
    manufacturer_id,
    manufacturer: makers[manufacturer_id] ?? 'Unknown',
    oem_id: await digits('oemid'),
    product_name: await attribute('name'),
    product_revision: isCard
      ? revision(await digits('hwrev'), await digits('fwrev'))
      : revision(...halves(await digits('prv'))),
    serial_number: await digits('serial'),
    manufacturer_date: (await attribute('date')).replace(/^0/, ''),
    capacity: bytes === 0 ? 'Unknown' : capacity(bytes),
    total_bytes: bytes,
  }
}

/** Two hexadecimal digits as decimal numbers: 8.0. */
function revision(major: string, minor: string): string {
  return `${Number.parseInt(major, 16) || 0}.${Number.parseInt(minor, 16) || 0}`
}

function halves(byte: string): [string, string] {
  const digits = byte.padStart(2, '0')
  return [digits.slice(0, 1), digits.slice(1)]
}

/** In the unit of the card's kind: up to 2 GiB is SDSC, up to 2 TiB SDHC or SDXC. */
function capacity(bytes: number): string {
  if (bytes <= 2 * GIB) return `${(bytes / MIB).toFixed(1)} MiB`
  return bytes <= 2 * TIB ? `${(bytes / GIB).toFixed(1)} GiB` : `${(bytes / TIB).toFixed(1)} TiB`
}
